import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { Command } from 'commander'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { register as registerPolicies } from '../../cli/commands/policies.ts'
import { register as registerQuotes } from '../../cli/commands/quotes.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { parseInstant } from '../../domain/time.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { handClock, leg, startFlights } from '../unit/adapters/fixtures.ts'

const NOW = '2013-02-06T12:00:00Z'
const COVER = '--product FD45 --flight b635 --from JFK --to PBI --date 2013-02-08 --sum 250'

let database: TestDatabase
let flights: Awaited<ReturnType<typeof startFlights>>

beforeAll(async () => {
  database = await createTestDatabase()
  await createClockStore(database.db).set({ now: parseInstant(NOW), speed: 0 })
  flights = await startFlights([leg({ out: '2013-02-08T15:00:00Z' })], handClock(NOW))
})

afterAll(async () => {
  await flights[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

async function run(line: string): Promise<{ out: string; error: unknown }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  stderr.resume()
  const out = text(stdout)
  const env = { DATABASE_URL: database.url, AEROAPI_URL: flights.url, AEROAPI_KEY: 'key' }
  const program = new Command('groundstop')
    .exitOverride()
    .configureOutput({ writeErr: (words) => stderr.write(words) })
  const context = { env, stdout, stderr, signal: new AbortController().signal }
  for (const register of [registerQuotes, registerPolicies]) register(program, context)
  const error: unknown = await program
    .parseAsync(line.split(' '), { from: 'user' })
    .then(() => null)
    .catch((thrown: unknown) => thrown)
  stdout.end()
  return { out: await out, error }
}

async function made(): Promise<string> {
  const { out } = await run(`quotes create ${COVER} --json`)
  return (JSON.parse(out) as { quoteId: string }).quoteId
}

test('a quote shows its premium, what it pays and how long it holds', async () => {
  const { out, error } = await run(`quotes create ${COVER} --ttl 60`)
  expect(error).toBeNull()
  expect(out).toMatch(/premium +31\.70 USD/)
  expect(out).toMatch(/pays from 120 min +150\.00 USD/)
  expect(out).toMatch(/rate +9\.75 % of 121 past legs of this flight/)
  expect(out).toMatch(/holds until +2013-02-06 12:01/)
})

test('a quote as JSON is what the API answers: what it pays, and nothing of how it is bound', async () => {
  const shown = JSON.parse((await run(`quotes show ${await made()} --json`)).out) as object
  expect(shown).toMatchObject({
    state: 'QUOTED',
    marketingIdent: null,
    pays: { cancelledMinor: 25_000 },
  })
  expect(Object.keys(shown)).not.toContain('productVersionId')
})

test('a quote is bound once and shown as what it became', async () => {
  const id = await made()
  expect((await run(`quotes bind ${id} --payee acct_1 --number P1`)).out).toBe(
    'bound as policy P1\n',
  )
  expect((await run(`quotes bind ${id} --payee acct_1 --number P1`)).out).toBe(
    'is policy P1 already\n',
  )
  expect((await run(`quotes show ${id}`)).out).toMatch(/state +BOUND/)
  const other = await run(`quotes bind ${id} --payee acct_2`)
  expect(other.error).toMatchObject({ name: 'CliError', message: expect.stringContaining('P1') })
  const { rows } = await sql`select policy_number, premium_minor from policy`.execute(database.db)
  expect(rows).toEqual([{ policy_number: 'P1', premium_minor: 3_170 }])
})

test.each([
  [COVER.replace('b635', 'B699'), '--flight: no such leg'],
  [COVER.replace('b635', '35'), '--flight'],
  [COVER.replace('250', 'much'), '--sum'],
  [COVER.replace('250', '1000.01'), '--sum: is more than FD45 insures'],
  [COVER.replace('FD45', 'FD46'), '--product: no such product'],
])('%s is refused by its option', async (line, message) => {
  const { error } = await run(`quotes create ${line}`)
  expect(error).toMatchObject({ name: 'CliError', message: expect.stringContaining(message) })
})

test.each(['quotes show x', 'quotes bind 00000000-0000-4000-8000-000000000000 --payee acct_1'])(
  '%s says that there is no such quote',
  async (line) => {
    const { error } = await run(line)
    expect(error).toMatchObject({ name: 'CliError', message: expect.stringMatching(/no quote/) })
  },
)

test('a policy is cancelled for its holder, once, and no other is', async () => {
  await run(`quotes bind ${await made()} --payee acct_1 --number P2`)
  const cancel = (number: string) => run(`policies cancel ${number} --reason ill --by user:anna`)
  expect((await cancel('P2')).out).toBe('policy P2 cancelled, 31.70 USD to be given back\n')
  expect((await cancel('P2')).out).toBe('policy P2 was cancelled before\n')
  expect((await cancel('P3')).error).toMatchObject({ message: 'there is no policy P3' })
  expect((await run('policies show P2')).out).toMatch(/premium +31\.70 USD/)
})
