import { describe, expect, test } from 'vitest'

import { DurationError, durationMs } from '../../../domain/duration.ts'
import { firstDue, nextDue, settledTiming, TaskTimingError } from '../../../domain/task.ts'
import { timingOf } from '../../../domain/task-when.ts'
import { addMs, DAY_MS, parseInstant } from '../../../domain/time.ts'

const NOW = parseInstant('2026-03-28T12:00:00.400Z')

describe('a single time', () => {
  test('that is past is now, in the next whole second', () => {
    const at = parseInstant('2026-03-01T00:00:00Z')
    const settled = { kind: 'once', at: '2026-03-28T12:00:01.000Z' }
    expect(settledTiming({ kind: 'once', at }, NOW)).toEqual(settled)
  })

  test('that is ahead is never made earlier', () => {
    const at = parseInstant('2026-03-28T13:00:00.001Z')
    const settled = { kind: 'once', at: '2026-03-28T13:00:01.000Z' }
    expect(settledTiming({ kind: 'once', at }, NOW)).toEqual(settled)
  })

  test('may be 366 days ahead', () => {
    expect(settledTiming({ kind: 'once', at: addMs(NOW, 366 * DAY_MS) }, NOW).kind).toBe('once')
  })

  test('may not be a millisecond further ahead', () => {
    const at = addMs(NOW, 366 * DAY_MS + 1)
    expect(() => settledTiming({ kind: 'once', at }, NOW)).toThrow(TaskTimingError)
  })
})

describe('a recurring time', () => {
  test('is due first after now', () => {
    const timing = timingOf({ every: '15 minutes' })
    expect(firstDue(timing, NOW)).toBe('2026-03-28T12:15:00.000Z')
    expect(nextDue(timing, parseInstant('2026-03-28T12:15:00Z'))).toBe('2026-03-28T12:30:00.000Z')
  })

  test('on a wall follows the rule of the zone', () => {
    const when = { cron: '30 2 * * *', timezone: 'Europe/Berlin' }
    // The clocks go from 02:00 to 03:00 on 29 March.
    expect(firstDue(timingOf({ ...when, dst: 'shift' }), NOW)).toBe('2026-03-29T01:30:00.000Z')
    expect(firstDue(timingOf({ ...when, dst: 'skip' }), NOW)).toBe('2026-03-30T00:30:00.000Z')
  })

  test('that never comes is refused', () => {
    expect(() => firstDue(timingOf({ cron: '0 0 30 2 *' }), NOW)).toThrow(TaskTimingError)
  })

  test.each([
    [60_000, true],
    [59_000, false],
    [60_500, false],
  ])('every %i ms is kept: %s', (every, isKept) => {
    const settle = () => settledTiming(timingOf({ every }), NOW)
    if (isKept) expect(settle()).toEqual({ kind: 'interval', everyMs: every })
    else expect(settle).toThrow(TaskTimingError)
  })
})

test.each([
  [{}],
  [{ every: '1 h', cron: '@daily' }],
  [{ every: '1 h', timezone: 'UTC' }],
  [{ every: 'soon' }],
  [{ cron: '@daily', timezone: 'Nowhere/Land' }],
  [{ calendars: [{ hour: 24 }] }],
  [{ calendars: [{ hour: { start: 5, end: 4 } }] }],
  [{ calendars: [] }],
])('%j is no time', (when) => {
  expect(() => timingOf(when)).toThrow(TaskTimingError)
})

test.each([
  [5_000, 5_000],
  ['5 seconds', 5_000],
  ['1 minute', 60_000],
  ['2h', 7_200_000],
  [' 3 Days ', 259_200_000],
  ['250', 250],
  ['250 ms', 250],
])('%j is %i ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test.each(['', 'five seconds', '5 parsecs', '-5 s', '1.5 h', 's'])('%j is no duration', (text) => {
  expect(() => durationMs(text)).toThrow(DurationError)
})
