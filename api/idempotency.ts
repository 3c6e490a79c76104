/**
 * Idempotency-Key: the same key with the same request gives the same answer and has one effect;
 * with another request it is refused. A request that died half-way is carried out by a repeat.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Request } from 'express'

import type {
  IdempotencyStore,
  KeyedRequest,
  StoredAnswer,
} from '../domain/ports/idempotency-store.ts'
import type { Instant } from '../domain/time.ts'
import { ProblemError, invalidRequest } from './problem.ts'

export type { StoredAnswer } from '../domain/ports/idempotency-store.ts'

/** Longer than any request takes; after that a claim that was never answered is free again. */
const LEASE_MS = 30_000
/** How long a repeat waits for the first to finish before it is told to come again. */
const WAIT_MS = 10_000
/** The first looks are close together, because most requests take some ten milliseconds. */
const FIRST_LOOK_MS = 25
const LONGEST_LOOK_MS = 400

const KEY = /^[\x21-\x7e]{1,255}$/

/** What the work is told: set when an earlier try may already have had its effect. */
export type Attempt = { readonly key: string | null; readonly firstTriedAt: Instant | null }

/** Wall times that tests shorten: how long a claim holds, how long a repeat waits. Milliseconds. */
export type IdempotencyOptions = { readonly leaseMs?: number; readonly waitMs?: number }

/**
 * Carries out `work` once per key and gives its answer, or the stored one. Without the header it is
 * simply carried out. Only answers are kept: after an error a repeat is carried out anew.
 */
export async function onceByKey(
  store: IdempotencyStore,
  request: Request,
  input: { readonly scope: string; readonly body: unknown },
  work: (attempt: Attempt) => Promise<StoredAnswer>,
  options: IdempotencyOptions = {},
): Promise<StoredAnswer> {
  const key = request.get('idempotency-key')
  if (key === undefined) return work({ key: null, firstTriedAt: null })
  if (!KEY.test(key)) {
    throw invalidRequest([
      { path: 'Idempotency-Key', message: '1 to 255 printable characters without spaces' },
    ])
  }
  const keyed = { scope: input.scope, key, requestSha256: requestSha256(input.body) }
  const deadlineMs = performance.now() + (options.waitMs ?? WAIT_MS)
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 2, LONGEST_LOOK_MS)) {
    const claim = await store.claim(keyed, options.leaseMs ?? LEASE_MS)
    switch (claim.kind) {
      case 'answered':
        return claim.answer
      case 'owned':
        return carryOut(store, keyed, claim, work)
      case 'other-request':
        throw new ProblemError(422, 'key-reused', 'this key came with another request before', {
          errors: [{ path: 'Idempotency-Key', message: 'was used for another request' }],
        })
      case 'in-progress':
        if (performance.now() + lookMs > deadlineMs) {
          throw new ProblemError(409, 'key-in-progress', 'the first request is still at work', {
            retryAfterS: 1,
          })
        }
        await sleep(lookMs)
    }
  }
}

async function carryOut(
  store: IdempotencyStore,
  keyed: KeyedRequest,
  claim: { readonly lockedUntil: Instant; readonly firstTriedAt: Instant | null },
  work: (attempt: Attempt) => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  let answer: StoredAnswer
  try {
    answer = await work({ key: keyed.key, firstTriedAt: claim.firstTriedAt })
  } catch (error) {
    // A refusal had no effect; after anything else a repeat must look before it acts. When even this
    // fails, the lease frees the key; the first error is the one to tell.
    const isRefusal = error instanceof ProblemError && error.status < 500
    const isClean = isRefusal && claim.firstTriedAt === null
    await store[isClean ? 'forget' : 'release'](keyed, claim.lockedUntil).catch(() => undefined)
    throw error
  }
  return store.answer(keyed, answer)
}

/** SHA-256 of a body, the same for JSON that differs only in the order of names. */
export function requestSha256(body: unknown): string {
  return createHash('sha256').update(canonicalJson(body)).digest('hex')
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
