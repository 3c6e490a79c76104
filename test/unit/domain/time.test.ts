import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  instantFromMs,
  parseInstant,
  parseLocalDate,
  toMs,
  wholeMinutesBetween,
} from '../../../domain/time.ts'

describe('an instant', () => {
  it('is what the calendar says, both ways', () => {
    fc.assert(
      fc.property(
        fc.date({
          min: new Date('0001-01-01T00:00:00Z'),
          max: new Date('9999-12-31T23:59:59Z'),
          noInvalidDate: true,
        }),
        (date) => {
          expect(instantFromMs(date.getTime())).toBe(date.toISOString())
          expect(toMs(instantFromMs(date.getTime()))).toBe(date.getTime())
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it.each(['1900-02-28T23:59:59.999Z', '2000-02-29T00:00:00.000Z', '1969-12-31T23:59:59.000Z'])(
    'is right at %s',
    (text) => {
      expect(instantFromMs(Date.parse(text))).toBe(text)
      expect(toMs(parseInstant(text))).toBe(Date.parse(text))
    },
  )

  it('beyond four-digit years is right too', () => {
    const ms = Date.UTC(12_013, 1, 8, 17, 5)
    expect(toMs(instantFromMs(ms))).toBe(ms)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 9e15])('is not %s', (ms) => {
    expect(() => instantFromMs(ms)).toThrow(RangeError)
  })

  it('needs an offset', () => {
    expect(parseInstant('2013-02-08T12:00:00-05:00')).toBe('2013-02-08T17:00:00.000Z')
    expect(() => parseInstant('2013-02-08T12:00:00')).toThrow(RangeError)
    expect(() => parseInstant('not a time Z')).toThrow(RangeError)
  })
})

describe('whole minutes', () => {
  it.each([
    [2_699, 44],
    [2_700, 45],
    [0, 0],
    [-1, -1],
    [-60, -1],
  ])('%i seconds are %i', (seconds, minutes) => {
    const from = instantFromMs(0)
    expect(wholeMinutesBetween(from, instantFromMs(seconds * 1_000))).toBe(minutes)
  })
})

describe('a local date', () => {
  it('is one of the calendar', () => {
    expect(parseLocalDate('2012-02-29')).toBe('2012-02-29')
    expect(() => parseLocalDate('2013-02-29')).toThrow(RangeError)
    expect(() => parseLocalDate('2013-2-8')).toThrow(RangeError)
  })
})

it.each([
  ['0001-01-01T00:00:00Z', '0000-12-31T23:59:59.999Z'],
  ['9999-12-31T23:59:59.999Z', '+010000-01-01T00:00:00Z'],
  ['0001-01-01T14:00:00+14:00', '0001-01-01T13:59:59+14:00'],
])('%s is the last instant on its side, and %s is none', (last, beyond) => {
  expect(toMs(parseInstant(last))).toBe(Date.parse(last))
  expect(() => parseInstant(beyond)).toThrow('not an instant of the years 1 to 9999')
})

it('the year 1 has days, the year 0 has none', () => {
  expect(parseLocalDate('0001-01-01')).toBe('0001-01-01')
  expect(() => parseLocalDate('0000-12-31')).toThrow(RangeError)
})
