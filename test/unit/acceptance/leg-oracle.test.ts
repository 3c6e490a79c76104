/** The tests' own oracle is held to the published one, so that what it says of a part can be trusted. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

import { expectedDecisions, oracleHash } from '../../../acceptance/oracle/leg-oracle.ts'

const published = JSON.parse(readFileSync('data/nyc2013-h1.oracle.json', 'utf8')) as {
  products: Record<string, { sha256: string }>
}

it.each(['FD45', 'FD120', 'FD180'])('expects of %s what the published oracle says', (product) => {
  const expected = expectedDecisions('data/nyc2013-h1.legs.txt.gz', product)
  expect(oracleHash(expected)).toBe(published.products[product]?.sha256)
})

it('says otherwise when one leg pays otherwise', () => {
  const expected = expectedDecisions('data/nyc2013-h1.legs.txt.gz', 'FD45')
  const [key] = expected.keys()
  expected.set(key ?? '', (expected.get(key ?? '') ?? 0) + 1)
  expect(oracleHash(expected)).not.toBe(published.products['FD45']?.sha256)
})
