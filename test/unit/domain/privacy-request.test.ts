/** The legal clock of requests of persons, and how often a block is looked at. */
import { describe, expect, test } from 'vitest'

import { lookAgainMs, privacyDueAt } from '../../../domain/privacy-request.ts'
import { HOUR_MS, parseInstant } from '../../../domain/time.ts'

describe('a request is due', () => {
  test.each([
    ['2026-03-15T09:30:00.123Z', '2026-04-15T09:30:00.123Z'],
    ['2026-12-31T23:59:59Z', '2027-01-31T23:59:59.000Z'],
    // No such day: the last one of the month.
    ['2026-01-31T00:00:00Z', '2026-02-28T00:00:00.000Z'],
    ['2028-01-31T12:00:00Z', '2028-02-29T12:00:00.000Z'],
    ['2026-05-31T12:00:00Z', '2026-06-30T12:00:00.000Z'],
    // The other way round a month is a day's name, not thirty days.
    ['2026-02-28T12:00:00Z', '2026-03-28T12:00:00.000Z'],
  ])('received %s: %s', (received, due) => {
    expect(privacyDueAt(parseInstant(received))).toBe(due)
  })
})

describe('a block is looked at again', () => {
  const due = parseInstant('2026-04-15T12:00:00Z')

  test.each([
    ['2026-04-01T00:00:00Z', 6 * HOUR_MS],
    ['2026-04-15T06:00:00Z', 6 * HOUR_MS],
    // Never later than the moment at which it must be answered, in whole seconds.
    ['2026-04-15T11:59:00.500Z', 60_000],
    ['2026-04-15T12:00:00Z', 1_000],
  ])('at %s after %i ms', (now, ms) => {
    expect(lookAgainMs(parseInstant(now), due)).toBe(ms)
  })
})
