/** Every known trap of real flight data has a test that is named after it. */
import { expect, test } from 'vitest'
import { TRAP_RULES } from '../broken-rules/traps.ts'
import { readSource, repositoryFiles } from '../support/repository.ts'

/** How many there are; `test/unit/domain/traps.test.ts` begins the list. */
const TRAPS = 28

test('each trap has a test named after it', () => {
  const named = new Set(
    repositoryFiles('.ts').flatMap((path) =>
      Array.from(readSource(path).matchAll(/'trap (?<number>\d+): /g), (match) =>
        Number(match.groups?.['number']),
      ),
    ),
  )
  const missing = Array.from({ length: TRAPS }, (_, at) => at + 1).filter((n) => !named.has(n))
  expect(missing).toEqual([])
})

test('each trap has a rule that can be taken out, at a place that is there', () => {
  expect(TRAP_RULES.map(({ id }) => id)).toEqual(
    Array.from({ length: TRAPS }, (_, at) => `trap ${at + 1}`),
  )
  const lost = TRAP_RULES.flatMap(({ id, edits }) =>
    edits
      .filter(({ file, find }) => readSource(file).split(find).length !== 2)
      .map(({ file }) => `${id}: ${file}`),
  )
  expect(lost).toEqual([])
})
