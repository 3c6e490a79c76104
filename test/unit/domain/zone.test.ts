import { describe, expect, it } from 'vitest'

import { instantFromMs, parseInstant } from '../../../domain/time.ts'
import { instantOfLocal, isZone, localDateAt } from '../../../domain/zone.ts'

describe('the date on the wall', () => {
  it.each([
    ['2013-03-10T04:59:59Z', 'America/New_York', '2013-03-09'],
    ['2013-03-10T05:00:00Z', 'America/New_York', '2013-03-10'],
    ['2013-03-11T03:59:59Z', 'America/New_York', '2013-03-10'],
    ['2013-03-11T04:00:00Z', 'America/New_York', '2013-03-11'],
    ['2013-07-01T06:30:00Z', 'America/Phoenix', '2013-06-30'],
    ['2013-07-01T09:59:00Z', 'Pacific/Honolulu', '2013-06-30'],
    ['2013-07-01T03:59:00Z', 'America/Puerto_Rico', '2013-06-30'],
    ['2013-07-01T18:14:59Z', 'Asia/Kathmandu', '2013-07-01'],
    ['2013-07-01T18:15:00Z', 'Asia/Kathmandu', '2013-07-02'],
    ['2013-12-31T23:59:59Z', 'UTC', '2013-12-31'],
  ])('at %s in %s is %s', (instant, zone, date) => {
    expect(localDateAt(parseInstant(instant), zone)).toBe(date)
  })

  it('is the same from memory as computed', () => {
    const format = new Intl.DateTimeFormat('en-CA', {
      timeZone: 'Europe/Berlin',
      dateStyle: 'short',
    })
    for (let hour = 0; hour < 24 * 400; hour += 5) {
      const ms = Date.parse('2013-01-01T00:07:00Z') + hour * 3_600_000
      const instant = instantFromMs(ms)
      expect(localDateAt(instant, 'Europe/Berlin')).toBe(format.format(ms))
      expect(localDateAt(instant, 'Europe/Berlin')).toBe(format.format(ms))
    }
  })
})

describe('a wall time', () => {
  it.each([
    ['2013-02-08T12:00', 'America/New_York', '2013-02-08T17:00:00.000Z'],
    // Skipped by the clocks: the later instant, 03:03 in summer time.
    ['2013-03-10T02:03', 'America/New_York', '2013-03-10T07:03:00.000Z'],
    ['2013-03-10T01:59', 'America/New_York', '2013-03-10T06:59:00.000Z'],
    ['2013-03-10T03:00', 'America/New_York', '2013-03-10T07:00:00.000Z'],
    // Shown twice: the earlier instant, still summer time.
    ['2013-11-03T01:30', 'America/New_York', '2013-11-03T05:30:00.000Z'],
    ['2013-11-03T00:59', 'America/New_York', '2013-11-03T04:59:00.000Z'],
    ['2013-11-03T02:00', 'America/New_York', '2013-11-03T07:00:00.000Z'],
    ['2013-07-01T02:30', 'America/Phoenix', '2013-07-01T09:30:00.000Z'],
    ['2013-07-01T00:00', 'Asia/Kathmandu', '2013-06-30T18:15:00.000Z'],
  ])('%s in %s is %s', (local, zone, instant) => {
    expect(instantOfLocal(local, zone)).toBe(instant)
  })

  it.each(['2013-02-08', '2013-02-08T25:00', '2013-02-08T12:00Z', 'noon'])('is not %s', (text) => {
    expect(() => instantOfLocal(text, 'UTC')).toThrow(RangeError)
  })
})

describe('a zone', () => {
  it('is known or not', () => {
    expect(isZone('America/Kentucky/Louisville')).toBe(true)
    expect(isZone('America/Nowhere')).toBe(false)
    expect(isZone('')).toBe(false)
  })

  it('that is unknown is refused', () => {
    expect(() => localDateAt(parseInstant('2013-01-01T00:00:00Z'), 'Mars/Olympus')).toThrow(
      RangeError,
    )
  })
})
