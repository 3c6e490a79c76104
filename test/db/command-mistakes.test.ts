/** What a person is told whose servers are away, or who names the wrong one: one sentence, no stack. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { EXIT } from '../../cli/cli-error.ts'
import { bookFingerprint } from '../support/book-fingerprint.ts'
import { runWords } from '../support/cli-runs.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { services } from '../support/services.ts'

/** What is away is known at once. */
const ENDS_WITHIN_MS = 10_000
/** Port 9 discards: nothing answers. */
const NOTHING = '127.0.0.1:9'
const ID = '00000000-0000-4000-8000-000000000000'
const WHY = ['--reason', 'drill']
const SENTENCE = /^(error|groundstop): \S[^\n]*\n(\(--help shows what there is\)\n)?$/

let database: TestDatabase
let empty: TestDatabase
let env: Record<string, string>

beforeAll(async () => {
  database = await createTestDatabase()
  empty = await createTestDatabase({ isEmpty: true })
  env = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: services().temporalAddress,
    TEMPORAL_NAMESPACE: 'default',
    AEROAPI_URL: `http://${NOTHING}`,
    AEROAPI_KEY: 'key',
    GROUNDSTOP_HOME: '/nonexistent',
  }
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await empty[Symbol.asyncDispose]()
})

/** One of each group that opens the book. */
const OF_THE_BOOK = [
  ['airports', 'show', 'JFK'],
  ['api-keys', 'list'],
  ['audit', 'verify'],
  ['clock', 'show'],
  ['clock', 'set', '--speed', '1'],
  ['contacts', 'erase', 'acct_1', ...WHY],
  ['dead-letters', 'list'],
  ['decisions', 'export', '-'],
  ['exposure'],
  ['jobs', 'limits'],
  ['jobs', 'run', 'reconciliation'],
  ['ledger', 'accounts'],
  ['legs', 'list'],
  ['loss-ratio'],
  ['migrate'],
  ['notifications', 'list'],
  ['notifications', 'resend', ID, ...WHY],
  ['payouts', 'status'],
  ['payouts', 'approve', ID, ...WHY],
  ['policies', 'show', 'P-1'],
  ['policies', 'cancel', 'P-1', ...WHY],
  ['polls', 'explain', 'B6|35|JFK|PBI|2013-03-09'],
  ['privacy', 'list'],
  ['providers'],
  ['quotes', 'show', ID],
  ['report', 'show', 'daily-analytics'],
  ['reviews', 'list'],
  ['reviews', 'claim', ID, ...WHY],
  ['runs', 'rebuild'],
  ['schedules', 'list'],
  ['schedules', 'plan'],
  ['secrets', 'rotate'],
  ['settings', 'list'],
  ['status'],
  ['tasks', 'stats'],
  ['users', 'list'],
  ['verify'],
  ['windows', 'list'],
] as const

const RUN = OF_THE_BOOK.map((words) => [words.join(' '), words] as const)

async function told(words: readonly string[], changed: Record<string, string>) {
  const { code, err } = await runWords(words, { ...env, ...changed }, ENDS_WITHIN_MS)
  return { code, err }
}

describe('groundstop', () => {
  test.each(RUN)('%s says where no database answers', async (_name, words) => {
    expect(await told(words, { DATABASE_URL: `postgres://u:secret@${NOTHING}/x` })).toEqual({
      code: EXIT.failed,
      err: `groundstop: no database answers at ${NOTHING}: run \`groundstop start\`, or set DATABASE_URL\n`,
    })
  })
})

describe('a database', () => {
  const words = ['policies', 'list']

  test('that refuses the password is named by its variable', async () => {
    const DATABASE_URL = database.url.replace(/\/\/[^@]*@/, '//nobody:no@')
    expect(await told(words, { DATABASE_URL })).toEqual({
      code: EXIT.config,
      err: 'groundstop: DATABASE_URL: password authentication failed for user "nobody"\n',
    })
  })

  test('that is not there is named by its variable', async () => {
    const DATABASE_URL = database.url.replace(/\/[^/]*$/, '/nowhere')
    expect(await told(words, { DATABASE_URL })).toEqual({
      code: EXIT.config,
      err: 'groundstop: DATABASE_URL: database "nowhere" does not exist\n',
    })
  })

  test.each([[words], [['clock', 'show']], [['jobs', 'limits']]])(
    'without tables is to be migrated: %j',
    async (some) => {
      const { code, err } = await told(some, { DATABASE_URL: empty.url })
      expect(code).toBe(EXIT.failed)
      expect(err).toMatch(
        /^groundstop: the database is not of this version \(.+\): run `groundstop migrate`\n$/,
      )
    },
  )

  test('without the newest migration is to be migrated', async () => {
    await using older = await createTestDatabase()
    await sql`delete from kysely_migration
      where name = (select max(name) from kysely_migration)`.execute(older.db)
    const { code, err } = await told(words, { DATABASE_URL: older.url })
    expect(code).toBe(EXIT.failed)
    expect(err).toMatch(/^groundstop: migrations are missing: \S+: run `groundstop migrate`\n$/)
  })
})

describe('a namespace that the Temporal server does not have', () => {
  test.each([
    [['jobs', 'list']],
    [['jobs', 'run', 'reconciliation']],
    [['queues', 'list']],
    [['runs', 'rebuild']],
    [['schedules', 'list']],
  ])('is named: %j', async (words) => {
    const { code, err } = await told(words, { TEMPORAL_NAMESPACE: 'nowhere' })
    expect(code).toBe(EXIT.config)
    expect(err).toMatch(/^groundstop: .*namespace.*nowhere.*\n$/i)
  })
})

const LONG = 'x'.repeat(300)

describe('words that the API would refuse', () => {
  test.each([
    ['a reason with control characters', ['policies', 'cancel', 'P-1', '--reason', '\u001b[2J']],
    ['a reason of 201 characters', ['policies', 'cancel', 'P-1', '--reason', 'x'.repeat(201)]],
    [
      'evidence with control characters',
      ['policies', 'appeal', 'P-1', ...WHY, '--evidence=\u0007'],
    ],
    ['a holder without a name', ['privacy', 'request', '', '--kind=export', ...WHY]],
    [
      'an owner without a name',
      ['tasks', 'create', 'cleanup', '--every=1 hour', '--owner=', ...WHY],
    ],
    ['the input of another job', ['jobs', 'run', 'coverage-arming']],
    ['a time in a century', ['jobs', 'reschedule', 'x', '--at=2199-01-01T00:00:00Z', ...WHY]],
    ['a status that no run has', ['jobs', 'list', '--status=flying']],
    ['an id that no run has', ['jobs', 'show', LONG]],
    ['an id that no attempt has', ['jobs', 'logs', 'cleanup:all', '--run=first']],
    ['a kind that no account has', ['ledger', 'accounts', '--kind=POOL']],
    ['an account with a name too long', ['ledger', 'statement', LONG]],
    ['an airport in small letters', ['legs', 'list', '--origin=jfk']],
    ['a product without a name', ['policies', 'list', '--product=']],
    ['an actor without a name', ['audit', 'list', '--actor=']],
    ['a tenant in capital letters', ['tasks', 'list', '--tenant=ACME']],
  ])('are refused and change nothing: %s', async (_name, words) => {
    const before = await bookFingerprint(database.db)
    const { code, err } = await told(words, {})
    expect({ code, err }).toEqual({ code: EXIT.usage, err: expect.stringMatching(SENTENCE) })
    expect(await bookFingerprint(database.db)).toEqual(before)
  })

  test.each([
    ['a reason of 200 characters', ['policies', 'cancel', 'P-1', '--reason', 'x'.repeat(200)]],
    ['evidence of two lines', ['policies', 'appeal', 'P-1', ...WHY, '--evidence=a\nb']],
  ])('and those that it would take are looked at: %s', async (_name, words) => {
    expect(await told(words, {})).toEqual({
      code: EXIT.failed,
      err: 'groundstop: there is no policy P-1\n',
    })
  })
})
