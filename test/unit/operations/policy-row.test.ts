import { expect, test } from 'vitest'

import { currency, minorUnits } from '../../../domain/money.ts'
import { parseMajorAmount } from '../../../domain/currency.ts'
import { formatMajorAmount } from '../../../domain/currency.ts'
import { parsePolicyRow } from '../../../domain/policy-row.ts'
import { B6_35, rowOf } from '../../support/builders.ts'

const USD = currency('USD')
const JPY = currency('JPY')
const KWD = currency('KWD')

test.each([
  ['250', USD, 25_000],
  ['250.5', USD, 25_050],
  ['250.00', USD, 25_000],
  ['0.01', USD, 1],
  ['250', JPY, 250],
  ['1.234', KWD, 1_234],
  ['90071992547409.91', USD, Number.MAX_SAFE_INTEGER],
])('%s %s is %i minor units', (text, code, minor) => {
  expect(parseMajorAmount(text, code)).toBe(minor)
})

test.each([
  ['250.001', USD, 'more decimals'],
  ['250.0', JPY, 'more decimals'],
  ['1.2345', KWD, 'more decimals'],
  ['90071992547409.92', USD, 'too large'],
  ['-1', USD, 'not a plain decimal amount'],
  ['1e3', USD, 'not a plain decimal amount'],
  ['1,000', USD, 'not a plain decimal amount'],
  ['.5', USD, 'not a plain decimal amount'],
  ['', USD, 'not a plain decimal amount'],
])('%s %s is refused', (text, code, reason) => {
  expect(() => parseMajorAmount(text, code)).toThrow(reason)
})

test('amounts are written with all decimals of their currency', () => {
  expect(formatMajorAmount(minorUnits(25_000), USD)).toBe('250.00')
  expect(formatMajorAmount(minorUnits(5), USD)).toBe('0.05')
  expect(formatMajorAmount(minorUnits(250), JPY)).toBe('250')
  expect(formatMajorAmount(minorUnits(-1_234), KWD)).toBe('-1.234')
})

test('codes are read in either case, zeros and spaces of a flight number do not matter', () => {
  const raw = rowOf(B6_35, 'P1', {
    carrier: 'b6',
    flight_number: '0035',
    origin: ' jfk ',
    destination: 'pbi',
    currency: 'usd',
    product: 'fd45',
    sum_insured: 250,
    bound_at: '2013-03-01T07:00:00-05:00',
    premium: '4.20',
  })
  const { ok, ...parsed } = parsePolicyRow(raw)
  expect(ok).toBe(true)
  expect(parsed).toEqual({
    row: {
      policyNumber: 'P1',
      product: 'FD45',
      identity: {
        carrier: 'B6',
        flightNumber: '35',
        origin: 'JFK',
        destination: 'PBI',
        originLocalDate: '2013-03-09',
      },
      sumInsuredMinor: 25_000,
      currency: 'USD',
      payeeRef: 'acct_P1',
      boundAt: '2013-03-01T12:00:00.000Z',
      premiumMinor: 420,
      tenant: null,
    },
  })
})

test.each([
  ['policy_number', '', 'is missing'],
  ['policy_number', 'A,1', 'without spaces, commas'],
  ['policy_number', 'x'.repeat(65), '1 to 64 characters'],
  ['product', 'FD 45', 'not a product code'],
  ['carrier', 'JBU', 'two-character'],
  ['flight_number', 'B635', 'not a flight number'],
  ['flight_number', '0A', 'not a flight number'],
  ['origin', 'KJFK', 'three-letter'],
  ['destination', 'JFK', 'is the origin'],
  ['departure_date', '2013-02-30', 'not a calendar date'],
  ['departure_date', '09/03/2013', 'not a calendar date'],
  ['sum_insured', '0', 'more than zero'],
  ['sum_insured', '250.001', 'more decimals than USD has (2)'],
  ['sum_insured', { amount: 1 }, 'neither text nor a number'],
  ['currency', 'XQX', 'not an ISO 4217 currency code'],
  ['payee_ref', 'two words', 'without spaces'],
  ['bound_at', '2013-03-01 07:00', 'not an instant with an offset'],
  ['premium', '-1', 'not a plain decimal amount'],
])('a row with %s %j is refused by that field', (field, value, reason) => {
  const parsed = parsePolicyRow(rowOf(B6_35, 'P1', { [field]: value }))
  expect(parsed).toMatchObject({ ok: false, problems: [{ field }] })
  expect(JSON.stringify(parsed)).toContain(reason)
})

test('all bad fields of a row are told at once', () => {
  const parsed = parsePolicyRow(
    rowOf(B6_35, 'P1', { origin: '', currency: 'US', sum_insured: '1,5' }),
  )
  expect(parsed).toMatchObject({
    ok: false,
    problems: [{ field: 'currency' }, { field: 'origin' }, { field: 'sum_insured' }],
  })
})

test('fields of a prototype are no fields of the row', () => {
  const parsed = parsePolicyRow(Object.create(rowOf(B6_35, 'P1')))
  expect(parsed.ok).toBe(false)
})
