/** How long cached things are fresh, and that a refresh never does what the poll plan does anyway. */
import { expect, test } from 'vitest'

import { freshUntil, retryAt, STALE_AFTER_MS } from '../../../domain/cache-plan.ts'
import { maxGapMs, type PollPhase } from '../../../domain/poll-plan.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, parseInstant } from '../../../domain/time.ts'

const NOW = parseInstant('2013-03-09T12:00:00Z')

test('weather is fresh for half an hour and kept for three', () => {
  expect(freshUntil('weather', NOW)).toEqual({
    refreshAt: addMs(NOW, 30 * MINUTE_MS),
    expiresAt: addMs(NOW, 3 * HOUR_MS),
  })
})

test('an airport is fresh for a week', () => {
  expect(freshUntil('airport', NOW).refreshAt).toBe(addMs(NOW, 7 * DAY_MS))
})

test('what fails is asked for again later and later, with an end to it', () => {
  expect(retryAt('airport', 1, NOW)).toBe(addMs(NOW, 15 * MINUTE_MS))
  expect(retryAt('airport', 2, NOW)).toBe(addMs(NOW, 30 * MINUTE_MS))
  expect(retryAt('airport', 50, NOW)).toBe(addMs(NOW, 14 * DAY_MS))
  expect(retryAt('weather', 50, NOW)).toBe(addMs(NOW, HOUR_MS))
})

test.each(Object.entries(STALE_AFTER_MS))(
  'the plan itself leaves %s alone for longer than its refresh',
  (phase, staleAfterMs) => {
    // Names of the table are phases.
    expect(maxGapMs(phase as PollPhase)).toBeGreaterThan(staleAfterMs)
  },
)
