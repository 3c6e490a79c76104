import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createIdempotencyStore } from '../../db/stores/idempotency-store.ts'
import type { IdempotencyStore, KeyedRequest } from '../../domain/ports/idempotency-store.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const LEASE_MS = 60_000
const ANSWER = { status: 201, body: { z: 1, a: [{ b: null }] } }

let database: TestDatabase
let store: IdempotencyStore

beforeAll(async () => {
  database = await createTestDatabase()
  store = createIdempotencyStore(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())

function request(change: Partial<KeyedRequest> = {}): KeyedRequest {
  return { scope: 'POST /x', key: randomUUID(), requestSha256: 'a'.repeat(64), ...change }
}

async function own(keyed: KeyedRequest, leaseMs = LEASE_MS) {
  const claim = await store.claim(keyed, leaseMs)
  if (claim.kind !== 'owned') throw new Error(`not owned but ${claim.kind}`)
  return claim
}

describe('a key', () => {
  it('is owned by one of 20 that claim it at once', async () => {
    const keyed = request()
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(keyed, LEASE_MS)))
    expect(claims.map(({ kind }) => kind).toSorted()).toEqual([
      ...Array.from({ length: 19 }, () => 'in-progress'),
      'owned',
    ])
  })

  it('gives its answer to every later claim, in the same words', async () => {
    const keyed = request()
    await own(keyed)
    const given = await store.answer(keyed, ANSWER)
    const claim = await store.claim(keyed, LEASE_MS)
    expect(claim).toEqual({ kind: 'answered', answer: ANSWER })
    expect(JSON.stringify(claim)).toBe(JSON.stringify({ kind: 'answered', answer: given }))
  })

  it('keeps the first answer when there is a second', async () => {
    const keyed = request()
    await own(keyed)
    await store.answer(keyed, ANSWER)
    expect(await store.answer(keyed, { status: 500, body: null })).toEqual(ANSWER)
  })

  it('is refused to another request, answered or not', async () => {
    const keyed = request()
    const other = { ...keyed, requestSha256: 'b'.repeat(64) }
    await own(keyed, 0)
    expect((await store.claim(other, LEASE_MS)).kind).toBe('other-request')
    await store.answer(keyed, ANSWER)
    expect((await store.claim(other, LEASE_MS)).kind).toBe('other-request')
  })

  it('means another thing in another scope', async () => {
    const keyed = request()
    await own(keyed)
    await own({ ...keyed, scope: 'POST /y' })
  })

  it('is taken over when its lease is over, and not before', async () => {
    const [dead, alive] = [request(), request()]
    expect((await own(dead, 0)).firstTriedAt).toBeNull()
    expect((await own(dead)).firstTriedAt).not.toBeNull()
    await own(alive)
    expect((await store.claim(alive, LEASE_MS)).kind).toBe('in-progress')
  })

  it('is taken over at once after a release, and is as new after it was forgotten', async () => {
    const [released, forgotten] = [request(), request()]
    await store.release(released, (await own(released)).lockedUntil)
    expect((await own(released)).firstTriedAt).not.toBeNull()
    await store.forget(forgotten, (await own(forgotten)).lockedUntil)
    expect((await own({ ...forgotten, requestSha256: 'c'.repeat(64) })).firstTriedAt).toBeNull()
  })

  it('is not freed by an owner that was taken over', async () => {
    const keyed = request()
    const late = await own(keyed, 0)
    await own(keyed)
    await store.forget(keyed, late.lockedUntil)
    await store.release(keyed, late.lockedUntil)
    expect((await store.claim(keyed, LEASE_MS)).kind).toBe('in-progress')
  })
})
