import { describe, expect, test } from 'vitest'

import {
  canMoveNotification,
  HOLDER_TEMPLATES,
  NOTIFICATION_TRANSITIONS,
  planRetry,
  TEMPLATE_OF_FACT,
  TOO_OLD_AFTER_MS,
  type FailedTry,
  type NotificationState,
} from '../../../domain/notification.ts'

const STATES = Object.keys(NOTIFICATION_TRANSITIONS) as NotificationState[]

const LEGAL = new Set([
  'QUEUED SENT',
  'QUEUED SUPPRESSED',
  'QUEUED FAILED',
  'SENT DELIVERED',
  'SENT BOUNCED',
])

const PAIRS = STATES.flatMap((from) => STATES.map((to) => [from, to] as const))

test.each(PAIRS)('%s to %s', (from, to) => {
  expect(canMoveNotification(from, to)).toBe(LEGAL.has(`${from} ${to}`))
})

test('every message to a holder tells exactly one fact', () => {
  expect(Object.values(TEMPLATE_OF_FACT).toSorted()).toEqual([...HOLDER_TEMPLATES].toSorted())
})

describe('a try that failed', () => {
  const failed = (change: Partial<FailedTry>): FailedTry => ({
    attempts: 1,
    attemptsAtMost: 5,
    ageMs: 1_000,
    retryAfterMs: null,
    isChannelDown: false,
    ...change,
  })

  test.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [4, 8_000],
  ])('the %ith waits %i ms', (attempts, inMs) => {
    expect(planRetry(failed({ attempts }))).toEqual({ kind: 'retry', inMs })
  })

  test('the last one is given up', () => {
    expect(planRetry(failed({ attempts: 5 }))).toEqual({
      kind: 'give-up',
      reason: 'ATTEMPTS_EXHAUSTED',
    })
  })

  test('no wait is longer than a quarter of an hour', () => {
    const plan = planRetry(failed({ attempts: 40, attemptsAtMost: 100 }))
    expect(plan).toEqual({ kind: 'retry', inMs: 15 * 60_000 })
  })

  test('what the provider asks for is kept to, when it is longer', () => {
    expect(planRetry(failed({ retryAfterMs: 30_000 }))).toMatchObject({ inMs: 30_000 })
    expect(planRetry(failed({ retryAfterMs: 10 }))).toMatchObject({ inMs: 1_000 })
  })

  test('while the channel is away nothing is counted, and waits grow with the age', () => {
    const away = { attempts: 5, isChannelDown: true }
    expect(planRetry(failed({ ...away, ageMs: 0 }))).toEqual({ kind: 'retry', inMs: 1_000 })
    expect(planRetry(failed({ ...away, ageMs: 60_000 }))).toEqual({ kind: 'retry', inMs: 30_000 })
  })

  test('after three days it is no news any more, whoever was at fault', () => {
    for (const isChannelDown of [true, false]) {
      const old = failed({ ageMs: TOO_OLD_AFTER_MS, isChannelDown })
      expect(planRetry(old)).toEqual({ kind: 'give-up', reason: 'TOO_OLD' })
      expect(planRetry({ ...old, ageMs: TOO_OLD_AFTER_MS - 1 })).toMatchObject({ kind: 'retry' })
    }
  })
})
