/** Which polls go on when the budget is spent, and how far a budget reaches. */
import { describe, expect, test } from 'vitest'

import { unitsAllowed, unitsAtMark } from '../../../domain/call-budget.ts'
import { purposeOfPoll } from '../../../domain/call-purpose.ts'
import { addMs, parseInstant } from '../../../domain/time.ts'

const ARRIVES = parseInstant('2013-03-09T17:00:00Z')
const BEFORE = addMs(ARRIVES, -1)

describe('a poll', () => {
  test.each(['ARRIVAL', 'SETTLE', 'CANCEL_REPORTED', 'DIVERTED'] as const)(
    'is needed to decide while it waits for evidence: %s',
    (pollPhase) => {
      expect(purposeOfPoll({ pollPhase, scheduledIn: ARRIVES }, BEFORE)).toBe('DECISION')
    },
  )

  test.each(['PRE_WINDOW', 'PRE_DEPARTURE', 'AWAIT_OUT', 'EN_ROUTE', 'UNKNOWN', null] as const)(
    'is routine before the scheduled arrival: %s',
    (pollPhase) => {
      expect(purposeOfPoll({ pollPhase, scheduledIn: ARRIVES }, BEFORE)).toBe('ROUTINE')
    },
  )

  test('is needed to decide from the scheduled arrival on, whatever it was planned for', () => {
    const leg = { pollPhase: 'AWAIT_OUT', scheduledIn: ARRIVES } as const
    expect(purposeOfPoll(leg, ARRIVES)).toBe('DECISION')
  })
})

describe('a budget', () => {
  test('ends for routine calls where it ends, and for decisions after its reserve', () => {
    expect(unitsAllowed('ROUTINE', 1_005, 10)).toBe(1_005)
    expect(unitsAllowed('DECISION', 1_005, 10)).toBe(1_105)
    expect(unitsAllowed('DECISION', 1_005, 0)).toBe(1_005)
  })

  test('that is not set allows anything', () => {
    expect(unitsAllowed('ROUTINE', null, 10)).toBeNull()
  })

  test('is 80 % used with the first unit that makes it so', () => {
    expect(unitsAtMark(1_001, 80)).toBe(801)
    expect(unitsAtMark(1_000, 80)).toBe(800)
  })
})
