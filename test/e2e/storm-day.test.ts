/** A storm through everything that `npm start` boots: every decision and every cent against the oracle. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import {
  expectedBook,
  parseDecisions,
  type DecidedPolicy,
  type ExpectedPolicy,
} from '../../acceptance/oracle/expected-book.ts'
import { Installation } from '../../acceptance/installation.ts'
import { expectedDecisions } from '../../acceptance/oracle/leg-oracle.ts'

const FLIGHTS = 'data/nyc2013-02-storm.legs.txt.gz'
/** A leg is certain 24 h after its last insured arrival at the latest. */
const ALL_CERTAIN_AT = '2013-02-11T12:00:00Z'

let installation: Installation
let expected: Map<string, ExpectedPolicy>
let decided: Map<string, DecidedPolicy>

beforeAll(async () => {
  installation = await Installation.create()
  await installation.start(['--speed', '0'])
  // Twenty minutes at least: the decisions are the same, and a storm takes half as many steps.
  await installation.must('clock', 'run', '--until', ALL_CERTAIN_AT, '--min', '20m')
  decided = parseDecisions(await installation.must('decisions', 'export', '-'))
  const byProduct = new Map(
    ['FD45', 'FD120', 'FD180'].map((product) => [product, expectedDecisions(FLIGHTS, product)]),
  )
  const book = await readFile(join(installation.home, 'demo-policies.csv'), 'utf8')
  expected = expectedBook(book, (product) => byProduct.get(product) ?? new Map<string, number>())
}, 600_000)

afterAll(async () => {
  await installation?.[Symbol.asyncDispose]()
})

it('decides every policy of the storm days', () => {
  expect(expected.size).toBeGreaterThan(2_000)
  expect(decided.size).toBe(expected.size)
})

it('pays every policy what the oracle says, to the cent, and no other', () => {
  const wrong = [...expected].filter(([number, due]) => {
    const got = decided.get(number)
    return (
      got?.legKey !== due.legKey ||
      got.bps !== due.bps ||
      got.amountMinor !== due.amountMinor ||
      got.outcome !== (due.bps > 0 ? 'PAY' : 'NO_PAY')
    )
  })
  expect(wrong).toEqual([])
})

it('moves the money of every payout once, and no other money', async () => {
  const { paymentsUrl } = await installation.addresses()
  const owed = [...decided.values()].filter(({ amountMinor }) => amountMinor > 0)
  const transferIds = new Set(
    owed.flatMap(({ payouts }) => payouts.map(({ transferId }) => transferId)),
  )
  const log = (await (await fetch(new URL('/__log', paymentsUrl))).json()) as {
    count: number
    sums: Record<string, number>
  }
  expect(owed.length).toBeGreaterThan(500)
  expect(transferIds.size).toBe(owed.length)
  expect(log.count).toBe(owed.length)
  expect(log.sums['usd']).toBe(owed.reduce((sum, { amountMinor }) => sum + amountMinor, 0))
})

it('leaves books that hold every invariant', async () => {
  const { code, stdout, stderr } = await installation.run('verify')
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
})
