import { describe, expect, test } from 'vitest'

import { labelOf, periodAt, periodBefore, periodOf } from '../../../domain/analytics/period.ts'
import { parseInstant } from '../../../domain/time.ts'

const at = (text: string) => parseInstant(text)

describe('a period', () => {
  test.each([
    ['hour', '2013-02-08T17:00:00Z', '2013-02-08T17'],
    ['hour', '2013-02-08T16:59:59.999Z', '2013-02-08T16'],
    ['day', '2013-02-08T00:00:00Z', '2013-02-08'],
    ['day', '2013-02-07T23:59:59.999Z', '2013-02-07'],
    ['week', '2013-02-03T00:00:00Z', '2013-02-03'],
    ['week', '2013-02-02T23:59:59.999Z', '2013-01-27'],
    ['week', '1969-12-31T00:00:00Z', '1969-12-28'],
    ['month', '2013-03-01T00:00:00Z', '2013-03'],
    ['month', '2013-02-28T23:59:59.999Z', '2013-02'],
  ] as const)('%s that %s is in is %s', (kind, instant, label) => {
    expect(labelOf(periodAt(kind, at(instant)))).toBe(label)
  })

  test('ends where the next one begins', () => {
    expect(periodAt('month', at('2012-02-10T00:00:00Z'))).toMatchObject({
      startsAt: '2012-02-01T00:00:00.000Z',
      endsAt: '2012-03-01T00:00:00.000Z',
    })
    expect(periodAt('week', at('2013-02-08T00:00:00Z')).endsAt).toBe('2013-02-10T00:00:00.000Z')
  })

  test('has one before it, also across a year', () => {
    expect(labelOf(periodBefore(periodAt('month', at('2013-01-10T00:00:00Z'))))).toBe('2012-12')
  })
})

describe('a name', () => {
  test.each(['hour', 'day', 'week', 'month'] as const)('of a %s finds it again', (kind) => {
    const period = periodAt(kind, at('2013-02-08T17:30:00Z'))
    expect(periodOf(kind, labelOf(period))).toEqual(period)
  })

  test.each([
    ['hour', '2013-02-08T24'],
    ['day', '2013-02-29'],
    ['day', '2013-2-8'],
    ['week', '2013-02-04'],
    ['month', '2013-13'],
    ['month', '2013-02-01'],
  ] as const)('of no %s is %s', (kind, label) => {
    expect(periodOf(kind, label)).toBeNull()
  })
})
