import { expect, test } from 'vitest'

import { formatBalance } from '../../../cli/screen/balance.ts'
import { fieldLines, tableLines } from '../../../cli/screen/table.ts'

test('columns of amounts stand to the right, others to the left', () => {
  expect(
    tableLines(
      ['who', 'holds'],
      [
        ['a', '5.00 USD'],
        ['longer', '-1,250.00 USD'],
      ],
    ),
  ).toEqual(['who             holds', 'a            5.00 USD', 'longer  -1,250.00 USD'])
})

test('a table without rows says so', () => {
  expect(tableLines(['who'], [])).toEqual(['none'])
})

test('a cell of 60 characters stays, one of 61 is cut', () => {
  expect(tableLines(['x'], [['a'.repeat(60)]])[1]).toBe('a'.repeat(60))
  expect(tableLines(['x'], [['a'.repeat(61)]])[1]).toBe(`${'a'.repeat(59)}…`)
})

test('what would move the cursor of a terminal is not printed, nothing is a dash', () => {
  const escape = String.fromCodePoint(27)
  expect(
    fieldLines([
      ['a', `x${escape}[2Jy`],
      ['bc', null],
    ]),
  ).toEqual(['a   x?[2Jy', 'bc  -'])
})

test('amounts below zero keep their sign before the digits', () => {
  expect(formatBalance('-125000', 'USD')).toBe('-1,250.00 USD')
  expect(formatBalance('5', 'USD')).toBe('0.05 USD')
})
