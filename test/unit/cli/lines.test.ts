import { describe, expect, test } from 'vitest'

import type { Figures } from '../../../cli/screen/figures.ts'
import { figureLine, figureLines, moneyText, withoutPassword } from '../../../cli/screen/lines.ts'
import { parseInstant } from '../../../domain/time.ts'

const FIGURES: Figures = {
  now: parseInstant('2013-02-08T18:02:00Z'),
  speed: 120,
  policies: 3_253,
  decidedPay: 40,
  decidedNoPay: 200,
  inReview: 0,
  legsWatched: 1_511,
  legsDue: 12,
  payoutsOpen: 0,
  paid: [{ currency: 'USD', payouts: 40, minor: '1234560' }],
  coverageIncidentsOpen: 0,
  lastTick: null,
  stuckRuns: [],
}

describe('money', () => {
  test.each([
    ['1234560', 'USD', '12,345.60 USD'],
    ['5', 'USD', '0.05 USD'],
    ['0', 'USD', '0.00 USD'],
    ['1234', 'JPY', '1,234 JPY'],
    ['1234', 'KWD', '1.234 KWD'],
    ['9007199254740993', 'USD', '90,071,992,547,409.93 USD'],
  ])('%s minor units of %s are %s', (minor, currency, text) => {
    expect(moneyText(minor, currency)).toBe(text)
  })
})

test('a password is never shown', () => {
  expect(withoutPassword('postgres://postgres:secret@127.0.0.1:5433/groundstop')).toBe(
    'postgres://postgres:***@127.0.0.1:5433/groundstop',
  )
})

test('every figure has its line', () => {
  expect(figureLines(FIGURES)).toEqual([
    'time       2013-02-08 18:02:00 UTC x120',
    'legs       1,511 watched, 12 due',
    'decided    240 of 3,253 policies: 40 pay, 200 do not',
    'paid       40 = 12,345.60 USD',
    'coverage   all legs asked in time',
    'last tick  none yet',
  ])
})

test('what needs a look is said', () => {
  const text = figureLines({ ...FIGURES, coverageIncidentsOpen: 2, inReview: 1, payoutsOpen: 3 })
  expect(text.join('\n')).toContain('2 legs were not asked in time')
  expect(text.join('\n')).toContain('1 in review')
  expect(text.join('\n')).toContain('3 under way')
})

test('wall time has no speed, a stopped clock says so', () => {
  expect(figureLine({ ...FIGURES, speed: null })).toMatch(/^2013-02-08 18:02:00 UTC \|/)
  expect(figureLine({ ...FIGURES, speed: 0 })).toMatch(/^2013-02-08 18:02:00 UTC \(stopped\) \|/)
})
