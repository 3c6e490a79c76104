/** When the timetable is looked at for legs weeks ahead, and what it says of one. */
import { describe, expect, test } from 'vitest'

import { FIRST_POLL_BEFORE_OUT_MS } from '../../../domain/poll-plan.ts'
import {
  nextTimetableLook,
  repeatedTimetableLook,
  timetableFinding,
} from '../../../domain/timetable-watch.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS } from '../../../domain/time.ts'
import { B6_35, identityOf } from '../../support/builders.ts'

const OUT = B6_35.scheduledOut
const ASKED = identityOf(B6_35)
const POLLS_BEGIN = addMs(OUT, -46 * HOUR_MS)

describe('the next look', () => {
  test('comes a week after the one before', () => {
    const now = addMs(OUT, -30 * DAY_MS)
    expect(nextTimetableLook(now, OUT)).toBe(addMs(now, 7 * DAY_MS))
  })

  test('is left to the first poll when it would come with it, and made a minute before', () => {
    expect(FIRST_POLL_BEFORE_OUT_MS).toBe(46 * HOUR_MS)
    expect(nextTimetableLook(addMs(POLLS_BEGIN, -7 * DAY_MS), OUT)).toBeNull()
    const before = addMs(POLLS_BEGIN, -7 * DAY_MS - MINUTE_MS)
    expect(nextTimetableLook(before, OUT)).toBe(addMs(POLLS_BEGIN, -MINUTE_MS))
  })

  test('comes six hours after one without an answer, under the same limit', () => {
    expect(repeatedTimetableLook(addMs(OUT, -20 * DAY_MS), OUT)).toBe(
      addMs(OUT, -20 * DAY_MS + 6 * HOUR_MS),
    )
    expect(repeatedTimetableLook(addMs(POLLS_BEGIN, -6 * HOUR_MS), OUT)).toBeNull()
  })

  test.each([
    [8, 0],
    [14, 1],
    [30, 4],
    [90, 12],
  ])('a leg bound %i days ahead is looked up %i times', (days, looks) => {
    let count = 0
    let at = nextTimetableLook(addMs(OUT, -days * DAY_MS), OUT)
    for (; at !== null; count += 1) at = nextTimetableLook(at, OUT)
    expect(count).toBe(looks)
  })
})

describe('a timetable', () => {
  const { scheduledOut, scheduledIn } = B6_35

  test('lists the leg with its schedule, also as a code share of another number', () => {
    const listed = {
      kind: 'LISTED',
      schedule: { scheduledOut, scheduledIn },
      isTimeUnverified: false,
    }
    expect(timetableFinding(ASKED, [B6_35])).toEqual(listed)
    const sold = { ...B6_35, carrier: 'QF', flightNumber: '3035', marketingIdent: 'B635' }
    expect(timetableFinding(ASKED, [sold])).toEqual(listed)
  })

  test('with other numbers, routes and days alone misses it', () => {
    const others = [
      { ...B6_35, flightNumber: '36' },
      { ...B6_35, destination: 'MCO' },
      { ...B6_35, scheduledOut: addMs(scheduledOut, DAY_MS) },
    ]
    expect(timetableFinding(ASKED, others)).toEqual({ kind: 'MISSING' })
  })

  test('that lists it twice at one time has it once, at two times it is not certain', () => {
    expect(timetableFinding(ASKED, [B6_35, B6_35])).toMatchObject({ kind: 'LISTED' })
    const later = { ...B6_35, scheduledOut: addMs(scheduledOut, HOUR_MS) }
    expect(timetableFinding(ASKED, [B6_35, later])).toEqual({ kind: 'AMBIGUOUS' })
  })

  test('whose times follow from a habit says so', () => {
    const unsure = { ...B6_35, isTimeUnverified: true }
    expect(timetableFinding(ASKED, [unsure])).toMatchObject({ isTimeUnverified: true })
  })
})
