import { describe, expect, test } from 'vitest'

import { brokenBounds, type FinalBooks } from '../../../acceptance/bounds.ts'

const clean: FinalBooks = { breaks: [], moneyProblems: [], strayEscrowMinor: 0n }
const zero = { right: 0, falsePay: 0, falseDenial: 0, review: 0, undecided: 0 }

function broken(
  name: string,
  counts: Partial<typeof zero>,
  over: {
    books?: Partial<FinalBooks>
    rightInTheEnd?: number
    leftInReview?: number
    refused?: string[]
    corrected?: number
  } = {},
): string[] {
  const { right = 0, review = 0 } = counts
  const finalCounts = {
    ...zero,
    right: over.rightInTheEnd ?? right + review,
    review: over.leftInReview ?? 0,
  }
  return brokenBounds(
    { name, switches: {} },
    {
      judgement: { counts: { ...zero, ...counts }, wrong: [] },
      finalJudgement: { counts: finalCounts, wrong: [] },
      reviewed: { refused: over.refused ?? [], corrected: over.corrected ?? 0 },
      books: { ...clean, ...over.books },
    },
  )
}

describe('one fault alone', () => {
  test('allows no false pay and no false denial', () => {
    expect(broken('late', { right: 1_000 })).toEqual([])
    expect(broken('late', { right: 100_000, falsePay: 1 })).toEqual(['1 false pays'])
    expect(broken('late', { right: 100_000, falseDenial: 1 })).toEqual(['1 false denials'])
  })

  test('allows two policies in a hundred to go to people, not three', () => {
    expect(broken('late', { right: 98, review: 2 })).toEqual([])
    expect(broken('late', { right: 97, review: 3 })).toEqual(['3 of 100 are in review'])
  })
})

describe('many faults together', () => {
  test('allow one wrong decision in a thousand, not two', () => {
    expect(broken('mixed', { right: 999, falsePay: 1 })).toEqual([])
    expect(broken('mixed', { right: 998, falsePay: 1, falseDenial: 1 })).toHaveLength(1)
  })
})

test('people must make every policy right that was left to them', () => {
  expect(broken('late', { right: 98, review: 2 }, { rightInTheEnd: 99 })).toEqual([
    'people made 1 of 2 policies right',
  ])
  const unpaid = { rightInTheEnd: 99, leftInReview: 1 }
  expect(broken('late', { right: 98, review: 2 }, unpaid)).toEqual([
    '1 policies are still with people',
    'people made 1 of 2 policies right',
  ])
  expect(broken('late', { right: 98, review: 2 }, { refused: ['no'] })).toEqual(['review: no'])
})

test('people must pay the rest of every correction upwards', () => {
  const counts = { right: 9_999, falseDenial: 1 }
  expect(broken('mixed', counts, { corrected: 1, rightInTheEnd: 10_000 })).toEqual([])
  expect(broken('mixed', counts, { corrected: 1, rightInTheEnd: 9_999 })).toEqual([
    'people made 0 of 1 policies right',
  ])
})

test('nothing may stay undecided, and books and money must hold', () => {
  expect(broken('none', { right: 10, undecided: 1 })).toEqual(['1 policies are undecided'])
  expect(broken('none', { right: 10 }, { books: { breaks: ['I1 x'] } })).toEqual([
    'invariant: I1 x',
  ])
  expect(broken('none', { right: 10 }, { books: { moneyProblems: ['y'] } })).toEqual(['money: y'])
  expect(broken('none', { right: 10 }, { books: { strayEscrowMinor: 5n } })).toHaveLength(1)
})
