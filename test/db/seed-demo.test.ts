/** `groundstop demo seed`: a year that holds, is the same for the same seed, and is written once. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { requireSeedable, seedDemo, SeedRefusedError } from '../../cli/demo/seed-demo.ts'
import { planSeed } from '../../cli/demo/seed-plan.ts'
import { SHIPPED_FLIGHTS } from '../../cli/start/import-book.ts'
import type { Database } from '../../db/client.ts'
import { createAgedRows } from '../../db/stores/aged-rows.ts'
import { createAgedSessions } from '../../db/stores/aged-sessions.ts'
import { createAgedPrivacyRequests } from '../../db/stores/aged-privacy-requests.ts'
import { createAuditArchiveStore } from '../../db/stores/audit-archive-store.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { createProviderInstances } from '../../db/stores/provider-instances.ts'
import { createReplaySource } from '../../db/stores/replay-source.ts'
import { parseLegPack } from '../../domain/leg-pack.ts'
import type { AgedThings } from '../../domain/ports/aged-things.ts'
import { planCuts } from '../../domain/retention.ts'
import { addMs, DAY_MS, instantFromMs, parseInstant } from '../../domain/time.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { replayEvaluations } from '../../operations/replay-evaluations.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { manualClock } from '../support/builders.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startPaymentRig } from '../support/payment-rig.ts'

const NOW = parseInstant('2013-02-08T14:00:00Z')
const WALL_NOW = instantFromMs(Date.now())
/** Forty legs; by seed 5 one of them is amended after its decision where that could matter. */
const WHOLE = { seed: 5, scale: 0.1 }
/** Four legs, for what is compared. */
const SMALL = { seed: 5, scale: 0.01 }
const OTHER = { seed: 6, scale: 0.01 }

const pack = parseLegPack(gunzipSync(await readFile(SHIPPED_FLIGHTS)).toString('utf8'))

type Seeded = { readonly database: TestDatabase; readonly home: string }

async function seeded(of: { seed: number; scale: number }): Promise<Seeded> {
  const database = await createTestDatabase()
  const home = await mkdtemp(join(tmpdir(), 'groundstop-seed-'))
  const hand = manualClock(NOW)
  const clock = { now: () => hand.now(), set: async (to: string) => hand.set(to) }
  await using rig = await startPaymentRig(clock)
  rig.faults.set({ faults: { returned: { rate: 0.2, afterMinutes: 1_440 } } })
  await ensureProducts({ productStore: createProductStore(database.db) })
  await seedDemo(
    {
      db: database.db,
      clock,
      pack,
      payments: rig.payments,
      eventSource: rig.events,
      capacityMinor: 1_000_000_000_000,
      ring: null,
      folders: { home, logs: join(home, 'logs'), privacy: join(home, 'privacy') },
    },
    planSeed({ ...of, year: null }, NOW, WALL_NOW),
    { signal: new AbortController().signal, onProgress: (share) => shares.push(share) },
  )
  return { database, home }
}

const shares: number[] = []
const all: Seeded[] = []
let db: Database

beforeAll(async () => {
  for (const of of [WHOLE, SMALL, SMALL, OTHER]) all.push(await seeded(of))
  db = dbOf(0)
})

afterAll(async () => {
  for (const { database, home } of all) {
    await database[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  }
})

function dbOf(n: number): Database {
  const found = all[n]
  if (found === undefined) throw new RangeError(`database ${n} was not seeded`)
  return found.database.db
}

/** Rows of a table, of the first database when no other is named. */
async function countOf(table: string, of = db): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(
    of,
  )
  return rows[0]?.n ?? 0
}

/** What a seed is said to decide: everything but the rail's own ids and wall times. */
async function digestOf(of: Database): Promise<unknown> {
  const { rows } = await sql`
    select (select md5(string_agg(concat_ws('|', p.policy_number, p.state, p.outcome, p.amount_minor,
        p.currency, p.payee_ref, p.bound_at, p.decided_at, p.cover_end), ',' order by p.policy_number))
        from policy p) as policies,
      (select md5(string_agg(concat_ws('|', o.id, o.state, o.amount_minor, o.paid_at), ',' order by o.id))
        from payout o) as payouts,
      (select md5(string_agg(concat_ws('|', t.ref, t.kind, t.effective_at), ',' order by t.ref))
        from ledger_transaction t) as ledger,
      (select md5(string_agg(o.norm_sha256, ',' order by o.norm_sha256)) from flight_observation o)
        as observations,
      (select md5(string_agg(concat_ws('|', e.action, e.subject, e.at), ',' order by e.seq))
        from audit_event e where e.correlation_id like 'seed-%') as events,
      (select md5(string_agg(p.id, ',' order by p.id)) from dpop_proof p) as proofs`.execute(of)
  return rows[0]
}

describe('the seeded year', () => {
  test('breaks no invariant of the book', async () => {
    const ledgerStore = createLedgerStore(db)
    expect(await verifyBooks({ ledgerStore, clock: manualClock(NOW) })).toEqual({ breaks: [] })
  })

  test('has every decision follow from its observations', async () => {
    const deps = { replaySource: createReplaySource(db) }
    const replayed = await replayEvaluations(deps, { after: null }, { maxPages: 100 })
    expect(replayed).toMatchObject({ legs: 38, breaks: [] })
    expect(replayed.evaluations).toBeGreaterThan(38)
  })

  test('has a valid audit chain, of which the oldest part is due for the archive', async () => {
    expect((await createAuditChain(db).verify([])).firstBreak).toBeNull()
    const before = addMs(NOW, -365 * DAY_MS)
    const page = await createAuditArchiveStore(db).readAged(before, 10_000)
    const { rows } = await sql<{ events: number }>`
      select count(*) as events from audit_event`.execute(db)
    const due = page?.lines.length ?? 0
    expect(due).toBeGreaterThan(0)
    expect(due).toBeLessThan(rows[0]?.events ?? 0)
  })

  test('has payouts paid, sent again after they came back, and policies in every stage', async () => {
    const { rows } = await sql<{ states: string[]; again: number }>`
      select (select array_agg(distinct state order by state) from policy) as states,
        (select count(*) from payout_attempt where outcome = 'RETURNED') as again`.execute(db)
    expect(rows[0]?.states).toEqual(expect.arrayContaining(['BOUND', 'CLOSED', 'EXPIRED']))
    expect(rows[0]?.again).toBeGreaterThan(0)
  })

  test('tells every holder and leaves nothing for the relay', async () => {
    const { rows } = await sql<{ open: number; sent: number; suppressed: number }>`
      select (select count(*) from notification_fact) as open,
        count(*) filter (where state = 'SENT') as sent,
        count(*) filter (where state = 'SUPPRESSED') as suppressed
      from notification where audience = 'holder'`.execute(db)
    expect(rows[0]?.open).toBe(0)
    expect(rows[0]?.sent).toBeGreaterThan(rows[0]?.suppressed ?? 0)
    expect(rows[0]?.suppressed).toBeGreaterThan(0)
  })

  test('goes from nothing to the whole, never back', () => {
    expect(shares.at(-1)).toBe(1)
    const first = shares.slice(0, shares.indexOf(1) + 1)
    expect(first).toEqual(first.toSorted((a, b) => a - b))
  })
})

describe('the cleanups', () => {
  const cuts = planCuts({}, null, { business: NOW, wall: WALL_NOW })
  const old = addMs(WALL_NOW, 3_650 * DAY_MS)

  // Files are below; notices go after the messages that told them.
  const others = ['files', 'logs', 'operator-notices']
  const rowCuts = cuts.filter((cut) => !others.includes(cut.class))
  test.each(rowCuts)('have $class to remove', async ({ class: name, before }) => {
    if (name === 'files' || name === 'logs') throw new Error('files are counted otherwise')
    const things: AgedThings = createAgedRows(db)[name]
    expect((await things.count(before)).items).toBeGreaterThan(0)
  })

  test.each(rowCuts)('have $class to keep', async ({ class: name, before }) => {
    if (name === 'files' || name === 'logs') throw new Error('files are counted otherwise')
    // All that was made in the year or before, whatever its age, against what has had its time.
    const things: AgedThings = createAgedRows(db)[name]
    const [aged, any] = [await things.count(before), await things.count(old)]
    if (name === 'observations')
      expect(await countOf('flight_observation')).toBeGreaterThan(aged.items)
    else expect(any.items).toBeGreaterThan(aged.items)
  })

  test('have notices to remove and to keep once messages have gone', async () => {
    const rows = createAgedRows(dbOf(1))
    const before = addMs(WALL_NOW, -90 * DAY_MS)
    await rows['operator-messages'].removeBatch(before, 1_000)
    const aged = await rows['operator-notices'].count(before)
    expect(aged.items).toBeGreaterThan(0)
    expect(await countOf('operator_notice', dbOf(1))).toBeGreaterThan(aged.items)
  })

  test.each([
    ['sessions', 'auth_session', 7],
    ['mail-codes', 'auth_verification', 1],
    ['unverified-accounts', 'auth_user', 30],
  ] as const)('have %s to remove and to keep', async (name, table, days) => {
    const things = createAgedSessions(db, manualClock(NOW))[name]
    const aged = await things.count(addMs(WALL_NOW, -days * DAY_MS))
    expect(aged.items).toBeGreaterThan(0)
    expect(await countOf(table)).toBeGreaterThan(aged.items)
  })

  test('have processes of providers to forget and to keep', async () => {
    const stale = await createProviderInstances(db).removeStale(1_000)
    expect(stale['provider-processes']).toBeGreaterThan(0)
    expect(await countOf('provider_process')).toBeGreaterThan(0)
  })

  test('have requests of persons to archive and to keep', async () => {
    const aged = await createAgedPrivacyRequests(db).count(addMs(WALL_NOW, -90 * DAY_MS))
    expect(aged.items).toBeGreaterThan(0)
    expect(await countOf('privacy_request')).toBeGreaterThan(aged.items)
  })

  test('find logs and exports of many ages in the home', async () => {
    const home = all[0]?.home ?? ''
    expect(await readdir(join(home, 'exports'))).toHaveLength(20)
    expect(await readdir(join(home, 'logs'))).toHaveLength(20)
  })
})

describe('a seed', () => {
  test('draws the same rows again', async () => {
    expect(await digestOf(dbOf(2))).toEqual(await digestOf(dbOf(1)))
  })

  test('draws other rows than another one', async () => {
    expect(await digestOf(dbOf(3))).not.toEqual(await digestOf(dbOf(1)))
  })

  test('is refused where one was before', async () => {
    await expect(requireSeedable(db)).rejects.toThrow(SeedRefusedError)
    await expect(requireSeedable(db)).rejects.toThrow('a database is seeded once')
  })

  test('is refused where there are policies, and not where there are none', async () => {
    await using other = await createTestDatabase()
    await expect(requireSeedable(other.db)).resolves.toBeUndefined()
    await sql`delete from setting where key = 'demo.seed'`.execute(dbOf(2))
    await expect(requireSeedable(dbOf(2))).rejects.toThrow('an empty book only')
  })
})
