/**
 * How long a cleanup of a million rows takes, and how long its longest batch holds locks, while requests
 * go on: `npm run bench:cleanup -- --rows 1000000`. A durable PostgreSQL of its own. Exits 1 beyond the bound.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { sql } from 'kysely'

import { createDatabase, type Database } from '../db/client.ts'
import { migrate } from '../db/migrate.ts'
import { createAgedRows } from '../db/stores/aged-rows.ts'
import { createIdempotencyStore } from '../db/stores/idempotency-store.ts'
import { plantRequests } from '../db/stores/seed-leftovers.ts'
import { ROWS_PER_PAGE } from '../db/stores/seed-page.ts'
import { addMs, DAY_MS, instantFromMs, SECOND_MS } from '../domain/time.ts'
import { startEmbeddedPostgres } from '../platform/embedded/postgres.ts'

/** Nobody waits longer than this for a row that a cleanup holds. */
const LONGEST_BATCH_BOUND_MS = 1_000

const BATCH_SIZE = 1_000

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } })
  const folder = await mkdtemp(join(tmpdir(), 'groundstop-bench-'))
  // The server's user must pass through it when the benchmark runs as root.
  await chmod(folder, 0o755)
  const port = { port: 0, isExplicit: false }
  const postgres = await startEmbeddedPostgres({ folder, port, isDurable: true })
  try {
    await using db = createDatabase(postgres.url, { max: 4 })
    await migrate(db)
    await fill(db, Number(values.rows))
    await measure(db, Number(values.rows))
  } finally {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Half of them have had their time; the answers are as long as those of a bound quote. */
async function fill(db: Database, rows: number): Promise<void> {
  const now = instantFromMs(Date.now())
  const common = { of: rows, seed: 1, until: now, wallUntil: now, users: 1, holders: 1 }
  for (let first = 1; first <= rows; first += ROWS_PER_PAGE) {
    await plantRequests(db, { ...common, first, last: Math.min(rows, first + ROWS_PER_PAGE - 1) })
  }
  await sql`analyze idempotent_request`.execute(db)
}

async function measure(db: Database, rows: number): Promise<void> {
  const things = createAgedRows(db)['idempotent-requests']
  const before = addMs(instantFromMs(Date.now()), -30 * DAY_MS)
  const countStart = performance.now()
  const counted = await things.count(before)
  const countMs = performance.now() - countStart
  const requests = goOn(db)
  const batches: number[] = []
  let items = 0
  let bytes = 0
  const start = performance.now()
  for (let isMore = true; isMore;) {
    const batchStart = performance.now()
    const removed = await things.removeBatch(before, BATCH_SIZE)
    batches.push(performance.now() - batchStart)
    items += removed.items
    bytes += removed.bytes
    isMore = removed.items === BATCH_SIZE
  }
  const seconds = (performance.now() - start) / SECOND_MS
  const slowestRequestMs = await requests.stop()
  batches.sort((a, b) => a - b)
  const longest = batches.at(-1) ?? 0
  const p50 = batches[Math.floor(batches.length / 2)] ?? 0
  console.log(`${rows} rows, dry run ${counted.items} in ${countMs.toFixed(0)} ms`)
  console.log(`removed ${items} (${bytes} bytes) in ${seconds.toFixed(1)} s`)
  console.log(
    `batches of ${BATCH_SIZE}: p50 ${p50.toFixed(1)} ms, longest ${longest.toFixed(1)} ms`,
  )
  console.log(`requests beside it: longest ${slowestRequestMs.toFixed(1)} ms`)
  if (items !== counted.items || longest > LONGEST_BATCH_BOUND_MS) process.exitCode = 1
}

/** Requests that claim and answer their keys, one after the other, until they are stopped. */
function goOn(db: Database): { stop: () => Promise<number> } {
  const store = createIdempotencyStore(db)
  let isStopped = false
  let longest = 0
  const run = async (): Promise<void> => {
    for (let n = 0; !isStopped; n += 1) {
      const start = performance.now()
      const request = { scope: 'bench', key: `k${n}`, requestSha256: 'x' }
      await store.claim(request, SECOND_MS)
      await store.answer(request, { status: 200, body: {} })
      longest = Math.max(longest, performance.now() - start)
    }
  }
  const running = run()
  return {
    async stop() {
      isStopped = true
      await running
      return longest
    },
  }
}

await main()
