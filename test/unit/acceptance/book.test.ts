import { expect, test } from 'vitest'

import { acceptanceBook, type BookPlan } from '../../../acceptance/oracle/book.ts'
import { expectedBook } from '../../../acceptance/oracle/expected-book.ts'
import { expectedDecisions } from '../../../acceptance/oracle/leg-oracle.ts'

const STORM = 'data/nyc2013-02-storm.legs.txt.gz'
const plan: BookPlan = {
  flights: STORM,
  from: '2013-02-08',
  days: 1,
  products: ['FD45', 'FD120'],
  policiesPerLeg: 2,
  share: 1,
  seed: 1,
}

test('insures every leg of its days, and owes what the legs came to', () => {
  const book = acceptanceBook(plan)
  const decisions = new Map(plan.products.map((code) => [code, expectedDecisions(STORM, code)]))
  const byFile = expectedBook(book.csv, (product) => decisions.get(product) ?? new Map())
  expect(book.legs).toHaveLength(930)
  expect(book.owed.size).toBe(2 * 930)
  expect([...book.owed]).toEqual([...byFile])
})

test('insures a share of them, the same for the same seed', () => {
  const half = acceptanceBook({ ...plan, share: 0.5 })
  expect(half.legs.length).toBeGreaterThan(400)
  expect(half.legs.length).toBeLessThan(530)
  expect(acceptanceBook({ ...plan, share: 0.5 }).csv).toBe(half.csv)
  expect(acceptanceBook({ ...plan, share: 0.5, seed: 2 }).csv).not.toBe(half.csv)
})

test('is refused for days that the pack does not have', () => {
  expect(() => acceptanceBook({ ...plan, from: '2013-05-01' })).toThrow('no insured leg')
})
