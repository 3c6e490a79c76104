/**
 * What it costs that one row holds the balance of a hot account: `node bench/pool-account.ts [--seconds 3]`.
 * A durable PostgreSQL of its own; sessions post pages of bookings and move the cached balance with them,
 * as binding, deciding and paying do. ADR 0010 has the figures.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { sql } from 'kysely'

import { createDatabase, type Database } from '../db/client.ts'
import { migrate } from '../db/migrate.ts'
import { startEmbeddedPostgres } from '../platform/embedded/postgres.ts'
import { cpuSecondsOf, parentOf } from './processor-time.ts'

type Case = {
  readonly name: string
  /** Sessions at once. */
  readonly sessions: number
  /** Bookings of one transaction. */
  readonly page: number
  /** Rows that the balance is spread over; 0 keeps no balance. */
  readonly shards: number
}

const CASES: readonly Case[] = [
  { name: 'one booking a transaction, one row', sessions: 8, page: 1, shards: 1 },
  { name: 'one booking a transaction, eight rows', sessions: 8, page: 1, shards: 8 },
  { name: 'one booking a transaction, no balance', sessions: 8, page: 1, shards: 0 },
  { name: 'pages of 500, one row', sessions: 4, page: 500, shards: 1 },
  { name: 'pages of 500, eight rows', sessions: 4, page: 500, shards: 8 },
  { name: 'pages of 500, no balance', sessions: 4, page: 500, shards: 0 },
  { name: 'pages of 100, one row', sessions: 4, page: 100, shards: 1 },
  { name: 'pages of 100, no balance', sessions: 4, page: 100, shards: 0 },
]

const OPENING_MINOR = 1_000_000_000_000

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } })
  const folder = await mkdtemp(join(tmpdir(), 'groundstop-bench-'))
  // The server's user must pass through it when the benchmark runs as root.
  await chmod(folder, 0o755)
  const port = { port: 0, isExplicit: false }
  const postgres = await startEmbeddedPostgres({ folder, port, isDurable: true })
  try {
    await using db = createDatabase(postgres.url, { max: 10 })
    await migrate(db)
    await sql`
      insert into pool_balance (account, currency, balance_minor)
      select 'hot:' || n, 'USD', ${OPENING_MINOR} from generate_series(0, 7) n`.execute(db)
    for (const one of CASES) await measure(db, one, Number(values.seconds))
  } finally {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(db: Database, one: Case, seconds: number): Promise<void> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
  const server = parentOf(rows[0]?.pid ?? 0)
  const cpuStart = cpuSecondsOf(server)
  const startMs = performance.now()
  const endMs = startMs + seconds * 1_000
  let transactions = 0
  const post = async (session: number): Promise<void> => {
    for (let n = 0; performance.now() < endMs; n += 1) {
      await postPage(db, one, `${one.name}|${session}|${n}|`, session)
      transactions += 1
    }
  }
  await Promise.all(Array.from({ length: one.sessions }, (_, session) => post(session)))
  const tookS = (performance.now() - startMs) / 1_000
  const bookings = transactions * one.page
  const cpuUs = ((cpuSecondsOf(server) - cpuStart) * 1_000_000) / bookings
  const perS = Math.round(bookings / tookS)
  console.log(`${one.name}: ${perS} bookings/s, ${cpuUs.toFixed(0)} µs of processor time each`)
}

/** One statement, as the stores write: transactions, postings and the balance together. */
async function postPage(db: Database, one: Case, name: string, session: number): Promise<void> {
  const shard = one.shards === 0 ? 'none' : String(session % one.shards)
  await sql`
    with entry as (
      select groundstop_id(${name}::text || n) as id, ${name}::text || n as ref
      from generate_series(1, ${one.page}::integer) n
    ), booked as (
      insert into ledger_transaction (id, ref, kind, effective_at)
      select id, ref, 'bind', now() from entry
    ), posted as (
      insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
      select id, 'hot', 'cold:' || id, 1, 'USD' from entry
    )
    update pool_balance set balance_minor = balance_minor - ${one.page}, updated_at = now()
    where account = 'hot:' || ${shard}::text and currency = 'USD'`.execute(db)
}

await main()
