/** Rotation over a real file and a real trail: every step once, whatever line a crash falls on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { readKeyRingFile, writeKeyRingFile } from '../../adapters/secrets/key-ring-file.ts'
import { newKeyMaterial } from '../../adapters/secrets/key-ring-sources.ts'
import { createKeyRingStore } from '../../adapters/secrets/key-ring-store.ts'
import { createAuditLog } from '../../db/stores/audit-log.ts'
import { createKeyHolderStore } from '../../db/stores/key-holder-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import type { KeyRing } from '../../domain/key-ring.ts'
import { addMs, DAY_MS, MINUTE_MS, parseInstant, type Instant } from '../../domain/time.ts'
import {
  planRotation,
  resealPayloads,
  rotateOne,
  type RotateDeps,
} from '../../operations/rotate-secrets.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { testKey } from '../support/payload-keys.ts'

const START = parseInstant('2026-11-01T00:00:00Z')

let database: TestDatabase
let folder: string
let path: string
let now: Instant
/** Keys that runs or schedules need. */
let needed: string[]
let told: string[]

beforeAll(async () => {
  database = await createTestDatabase()
  folder = mkdtempSync(join(tmpdir(), 'groundstop-rotation-'))
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  path = join(folder, `${crypto.randomUUID()}.json`)
  await writeKeyRingFile(path, { keys: [testKey('a')] })
  await sql`delete from key_holder`.execute(database.db)
  ;[now, needed, told] = [START, [], []]
})

function depsOf(change: Partial<RotateDeps> = {}): RotateDeps {
  const { db } = database
  return {
    rings: [createKeyRingStore('payload', path)],
    holders: createKeyHolderStore(db),
    usage: { reseal: async () => 3, needed: async () => needed },
    auditLog: createAuditLog(db),
    settingStore: createSettingStore(db),
    clock: { now: async () => now },
    wallNow: () => now,
    newMaterial: newKeyMaterial,
    events: { secretRotated: ({ action, keyId }) => void told.push(`${action} ${keyId}`) },
    ...change,
  }
}

const ringNow = async (): Promise<KeyRing> => (await readKeyRingFile(path)).ring
const statesNow = async () => (await ringNow()).keys.map(({ keyId, state }) => `${keyId} ${state}`)

async function look(suffix: string, change: Partial<RotateDeps> = {}) {
  const deps = depsOf(change)
  const request = { ring: 'payload', isForced: false, suffix } as const
  const { rings } = await planRotation(deps, request)
  for (const { ring, steps } of rings) {
    for (const step of steps) await rotateOne(deps, { ring, ...step })
  }
  return rings
}

async function trailOf(keyId: string): Promise<string[]> {
  const subject = `secret:payload/${keyId}`
  const { items } = await createAuditLog(database.db).list({ subject }, { limit: 50 })
  return items.map(({ action }) => action).toReversed()
}

describe('over its life a key', () => {
  test('is made, handed out, used, replaced and retired, each on the trail', async () => {
    const suffix = crypto.randomUUID().slice(-12)
    const fresh = `payload-${suffix}`
    now = addMs(START, 90 * DAY_MS)
    await look(suffix)
    expect(await statesNow()).toEqual(['a active', `${fresh} waiting`])
    now = addMs(now, 5 * MINUTE_MS)
    await look(suffix)
    expect(await statesNow()).toEqual(['a replaced', `${fresh} active`])
    now = addMs(now, 7 * DAY_MS)
    needed = ['a']
    await look(suffix)
    expect(await statesNow()).toEqual(['a replaced', `${fresh} active`])
    needed = []
    await look(suffix)
    expect(await statesNow()).toEqual([`${fresh} active`])
    expect(await trailOf(fresh)).toEqual(['secret.add', 'secret.activate'])
    expect((await trailOf('a')).at(-1)).toBe('secret.retire')
    expect(told).toEqual([`add ${fresh}`, `activate ${fresh}`, 'retire a'])
  })

  test('waits for every live process, not for one that has ended', async () => {
    const waiting = { keys: [testKey('a'), testKey('b', { state: 'waiting' })] }
    await writeKeyRingFile(path, waiting)
    now = addMs(START, DAY_MS)
    const holders = createKeyHolderStore(database.db)
    await holders.report('worker 1', 'payload', ['a', 'b'])
    await holders.report('api 1', 'payload', ['a'])
    await holders.report('api 1', 'webhook', [])
    expect(await look('x')).toMatchObject([{ steps: [], isWaiting: true }])
    await sql`update key_holder set seen_at = now() - interval '121 seconds'
      where process_id = 'api 1'`.execute(database.db)
    await look('x')
    expect(await statesNow()).toEqual(['a replaced', 'b active'])
  })

  test('is used once the last process has reported it', async () => {
    await writeKeyRingFile(path, { keys: [testKey('a'), testKey('b', { state: 'waiting' })] })
    now = addMs(START, DAY_MS)
    const holders = createKeyHolderStore(database.db)
    await holders.report('api 1', 'payload', ['a'])
    await look('x')
    await holders.report('api 1', 'payload', ['a', 'b'])
    await look('x')
    expect(await statesNow()).toEqual(['a replaced', 'b active'])
  })
})

describe('a crash', () => {
  const broken = () => {
    throw new Error('killed')
  }

  test('before the trail leaves the ring as it was, and the next try goes on', async () => {
    const suffix = crypto.randomUUID().slice(-12)
    now = addMs(START, 90 * DAY_MS)
    const auditLog = { ...createAuditLog(database.db), record: broken }
    await expect(look(suffix, { auditLog })).rejects.toThrow('killed')
    expect(await statesNow()).toEqual(['a active'])
    await look(suffix)
    expect(await trailOf(`payload-${suffix}`)).toEqual(['secret.add'])
  })

  test('between trail and file is made good by the next try, with one event', async () => {
    const suffix = crypto.randomUUID().slice(-12)
    now = addMs(START, 90 * DAY_MS)
    const rings = [{ ...createKeyRingStore('payload', path), write: broken }]
    await expect(look(suffix, { rings })).rejects.toThrow('killed')
    expect(await statesNow()).toEqual(['a active'])
    await look(suffix)
    expect(await statesNow()).toEqual(['a active', `payload-${suffix} waiting`])
    expect(await trailOf(`payload-${suffix}`)).toEqual(['secret.add'])
  })

  test('after the file changes nothing again', async () => {
    const suffix = crypto.randomUUID().slice(-12)
    now = addMs(START, 90 * DAY_MS)
    await look(suffix)
    const before = await ringNow()
    const step = { ring: 'payload', action: 'add', keyId: `payload-${suffix}` } as const
    expect(await rotateOne(depsOf(), step)).toBe(false)
    expect(await ringNow()).toEqual(before)
    expect(await trailOf(step.keyId)).toEqual(['secret.add'])
  })
})

test('settings say when, and a value out of bounds does not', async () => {
  const settings = createSettingStore(database.db)
  now = addMs(START, 30 * DAY_MS)
  await settings.write('secrets.maxAgeDays', 0, 'test')
  expect((await look('s'))[0]?.steps).toEqual([])
  await settings.write('secrets.maxAgeDays', 30, 'test')
  expect((await look('s'))[0]?.steps).toEqual([{ action: 'add', keyId: 'payload-s' }])
  await settings.write('secrets.maxAgeDays', 90, 'test')
})

test('what cannot be changed from here is left alone', async () => {
  expect(await look('x', { rings: [] })).toEqual([])
  const step = { ring: 'webhook', action: 'add', keyId: 'w' } as const
  expect(await rotateOne(depsOf(), step)).toBe(false)
  expect(await resealPayloads(depsOf({ usage: null }))).toBe(0)
})
