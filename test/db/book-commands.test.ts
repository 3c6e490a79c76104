import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { Command } from 'commander'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { register as registerDecisions } from '../../cli/commands/decisions.ts'
import { register as registerPolicies } from '../../cli/commands/policies.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { parseInstant } from '../../domain/time.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { handClock, leg, startFlights } from '../unit/adapters/fixtures.ts'

const NOW = '2013-02-08T12:00:00Z'
const HEADER =
  'policy_number,product,carrier,flight_number,origin,destination,departure_date,sum_insured,' +
  'currency,payee_ref'
const GOOD = 'FD45,B6,35,JFK,PBI,2013-02-08,250.00,USD,acct_1'

let database: TestDatabase
let flights: Awaited<ReturnType<typeof startFlights>>
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'book-commands-'))
  database = await createTestDatabase()
  await createClockStore(database.db).set({ now: parseInstant(NOW), speed: 0 })
  flights = await startFlights([leg({ out: '2013-02-08T15:00:00Z' })], handClock(NOW))
})

afterAll(async () => {
  await flights[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** Runs a command line with the database and the local provider as its environment. */
async function groundstop(...words: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const texts = Promise.all([text(stdout), text(stderr)])
  const env = {
    DATABASE_URL: database.url,
    AEROAPI_URL: `${flights.url}/aeroapi`,
    AEROAPI_KEY: 'test-key',
  }
  const context = { env, stdout, stderr, signal: new AbortController().signal }
  const program = new Command('groundstop').exitOverride()
  registerPolicies(program, context)
  registerDecisions(program, context)
  const error: unknown = await program
    .parseAsync(['node', 'groundstop', ...words])
    .then(() => null)
    .catch((thrown: unknown) => thrown)
  stdout.end()
  stderr.end()
  const [out, err] = await texts
  return { out, err, error }
}

test('an import binds good rows, tells bad ones by line and fails; the next one changes nothing', async () => {
  const file = join(folder, 'book.csv')
  const rows = [`C1,${GOOD}`, `C2,${GOOD.replace('250.00', 'lots')}`, `C3,${GOOD}`]
  await writeFile(file, [HEADER, ...rows, ''].join('\n'))
  const first = await groundstop('policies', 'import', file)
  expect(first.out).toBe('imported 2, unchanged 0, rejected 1\n')
  expect(first.err).toBe(`${file}:3: sum_insured: not a plain decimal amount: lots\n`)
  expect(first.error).toMatchObject({ name: 'CliError', exitCode: 1 })
  const second = await groundstop('policies', 'import', '--json', file)
  expect(JSON.parse(second.out)).toEqual({
    imported: 0,
    unchanged: 2,
    rejected: [
      {
        line: 3,
        policyNumber: 'C2',
        field: 'sum_insured',
        reason: 'not a plain decimal amount: lots',
      },
    ],
  })
})

test('a file of good rows succeeds, json lines too', async () => {
  const file = join(folder, 'book.jsonl')
  const names = HEADER.split(',')
  const cells = `J1,${GOOD}`.split(',')
  const row = Object.fromEntries(names.map((name, i) => [name, cells[i]]))
  await writeFile(file, `${JSON.stringify(row)}\n`)
  expect(await groundstop('policies', 'import', file)).toEqual({
    out: 'imported 1, unchanged 0, rejected 0\n',
    err: '',
    error: null,
  })
})

test('columns that are not read are told', async () => {
  const file = join(folder, 'more.csv')
  await writeFile(file, `${HEADER},bound-at\nM1,${GOOD},2013-01-01\n`)
  const { err, out } = await groundstop('policies', 'import', file)
  expect(err).toBe(`${file}: columns that are not read: bound-at\n`)
  expect(out).toContain('imported 1')
})

test('an export writes decided policies to a file or to standard output, and leaves no draft', async () => {
  await groundstop('policies', 'import', join(folder, 'book.csv'))
  await sql`
    update policy set outcome = 'NO_PAY', bps = 0, amount_minor = 0, decided_at = now()
    where policy_number in ('C3', 'C1')`.execute(database.db)
  const file = join(folder, 'decisions.txt')
  const lines = ['C1', 'C3'].map((number) => `${number},B6|35|JFK|PBI|2013-02-08,NO_PAY,0,0,,\n`)
  expect(await groundstop('decisions', 'export', file)).toEqual({
    out: `2 decisions written to ${file}\n`,
    err: '',
    error: null,
  })
  expect(await readFile(file, 'utf8')).toBe(lines.join(''))
  expect((await groundstop('decisions', 'export', '-')).out).toBe(lines.join(''))
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('an export into a folder that is not there fails with a readable reason', async () => {
  const { error } = await groundstop('decisions', 'export', join(folder, 'none', 'x.txt'))
  expect(error).toMatchObject({
    name: 'CliError',
    message: expect.stringContaining('cannot be written'),
  })
})
