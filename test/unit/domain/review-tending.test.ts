import { describe, expect, test } from 'vitest'

import { CLAIM_IDLE_MS, planTending, type TendedReview } from '../../../domain/review-tending.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, parseInstant } from '../../../domain/time.ts'

const OPENED = parseInstant('2013-03-10T18:00:00Z')
const at = (ms: number) => addMs(OPENED, ms)

/** An open case of 24 hours, about nothing that data could decide. */
function review(change: Partial<TendedReview> = {}): TendedReview {
  return {
    caseId: 'case',
    state: 'OPEN',
    resolution: null,
    reasonCode: 'NO_FINAL_DATA',
    openedAt: OPENED,
    assignee: null,
    claimedAt: null,
    waitUntil: null,
    escalatedAt: null,
    remindedAt: null,
    proposedAt: null,
    legId: null,
    lastPolledAt: null,
    ...change,
  }
}

const claimed = { state: 'CLAIMED', assignee: 'user:ana', claimedAt: OPENED } as const

describe('an open case', () => {
  test('is not handed up a millisecond before its time, and is at its time', () => {
    expect(planTending(review(), at(DAY_MS - 1)).isEscalated).toBe(false)
    expect(planTending(review(), at(DAY_MS)).isEscalated).toBe(true)
  })

  test('has less time where money is owed', () => {
    const owed = review({ reasonCode: 'PAYOUT_UNSETTLED' })
    expect(planTending(owed, at(4 * HOUR_MS - 1)).isEscalated).toBe(false)
    expect(planTending(owed, at(4 * HOUR_MS)).isEscalated).toBe(true)
  })

  test('is reminded of after half its time, and again only half of it later', () => {
    expect(planTending(review(), at(DAY_MS / 2 - 1)).isReminded).toBe(false)
    expect(planTending(review(), at(DAY_MS / 2)).isReminded).toBe(true)
    const reminded = review({ remindedAt: at(DAY_MS / 2) })
    expect(planTending(reminded, at(DAY_MS - 1)).isReminded).toBe(false)
    expect(planTending(reminded, at(DAY_MS)).isReminded).toBe(true)
  })

  test('is looked at next when something falls due', () => {
    expect(planTending(review(), OPENED).nextAt).toBe(at(6 * HOUR_MS))
    expect(planTending(review(), at(10 * HOUR_MS)).nextAt).toBe(at(12 * HOUR_MS))
  })

  test('is handed up once', () => {
    const escalated = review({ state: 'ESCALATED', escalatedAt: at(DAY_MS) })
    expect(planTending(escalated, at(5 * DAY_MS)).isEscalated).toBe(false)
  })
})

describe('a claim', () => {
  test('is released when it lies idle, and not before', () => {
    expect(planTending(review(claimed), at(CLAIM_IDLE_MS - 1)).isReleased).toBe(false)
    expect(planTending(review(claimed), at(CLAIM_IDLE_MS))).toMatchObject({
      isReleased: true,
      isEscalated: false,
    })
  })

  test('that is at work keeps an overdue case from being handed up', () => {
    const late = review({ ...claimed, claimedAt: at(DAY_MS - HOUR_MS) })
    expect(planTending(late, at(DAY_MS))).toMatchObject({ isEscalated: false, isReleased: false })
    expect(planTending(late, at(DAY_MS + 3 * HOUR_MS)).isEscalated).toBe(true)
  })

  test('with a proposal waits for the second person and is not released', () => {
    const proposed = review({ ...claimed, proposedAt: OPENED })
    expect(planTending(proposed, at(3 * DAY_MS))).toMatchObject({
      isReleased: false,
      isEscalated: false,
      isReminded: true,
    })
  })
})

test('while a person waits nothing happens, and the claim is idle from its end on', () => {
  const waiting = review({ ...claimed, waitUntil: at(3 * DAY_MS) })
  expect(planTending(waiting, at(3 * DAY_MS - 1))).toMatchObject({
    isReleased: false,
    isEscalated: false,
    isReminded: false,
    nextAt: at(3 * DAY_MS - 1 + MINUTE_MS),
  })
  expect(planTending(waiting, at(3 * DAY_MS + CLAIM_IDLE_MS)).isEscalated).toBe(true)
})

describe('late data is looked for', () => {
  test('half as far apart as the case is old', () => {
    const leg = review({ legId: 'leg', lastPolledAt: at(2 * HOUR_MS) })
    expect(planTending(leg, at(4 * HOUR_MS - 1)).isLookDue).toBe(false)
    expect(planTending(leg, at(4 * HOUR_MS)).isLookDue).toBe(true)
  })

  test('half an hour apart at first, six hours at last', () => {
    const asked = (ms: number) => review({ legId: 'leg', lastPolledAt: at(ms) })
    expect(planTending(asked(0), at(30 * MINUTE_MS - 1)).isLookDue).toBe(false)
    expect(planTending(asked(0), at(30 * MINUTE_MS)).isLookDue).toBe(true)
    expect(planTending(asked(5 * DAY_MS), at(5 * DAY_MS + 6 * HOUR_MS)).isLookDue).toBe(true)
  })
})
