/** Vacuum, reindex and analyze of this product's own tables; nothing of the business. */
import { sql, type Kysely } from 'kysely'

import type { DatabaseCare, MaintenanceTask } from '../../domain/ports/database-care.ts'
import type { Database } from '../client.ts'
import type { DB } from '../types.generated.ts'

/** Maintenance gives way to payouts: it waits this long for a lock, then leaves the table alone. */
const LOCK_TIMEOUT = '3s'

/**
 * A server looks this often whether the worker that asked is still there. Without it a statement whose worker
 * was killed goes on for as long as it takes, and the next try finds its table locked by it.
 */
const CLIENT_CHECKED_EVERY = '1s'

const LOCK_NOT_AVAILABLE = '55P03'

/** Maintenance over this database. Only tables of the `public` schema are its own. */
export function createDatabaseCare(db: Database): DatabaseCare {
  return {
    listTables: () => listTables(db),
    totalBytes: () => totalBytes(db),
    run: (task, table) => db.connection().execute((connection) => run(connection, task, table)),
  }
}

async function listTables(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'public' order by 1 limit 1000
  `.execute(db)
  return rows.map((row) => row.name)
}

/** From the statistics: measuring the files would wait for whoever locks a table. */
async function totalBytes(db: Database): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(sum(c.relpages), 0)::bigint * current_setting('block_size')::bigint as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'i')
  `.execute(db)
  return rows[0]?.bytes ?? 0
}

async function run(
  connection: Kysely<DB>,
  task: MaintenanceTask,
  table: string,
): Promise<'done' | 'locked'> {
  // None of these may run in a transaction, so the session is set and set back.
  await sql`set lock_timeout = ${sql.lit(LOCK_TIMEOUT)}`.execute(connection)
  await sql`set statement_timeout = 0`.execute(connection)
  await sql`set client_connection_check_interval = ${sql.lit(CLIENT_CHECKED_EVERY)}`.execute(
    connection,
  )
  try {
    if (task === 'reindex') await dropHalfBuilt(connection, table)
    await sql`${sql.raw(COMMANDS[task])} ${sql.id('public', table)}`.execute(connection)
    return 'done'
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    return 'locked'
  } finally {
    await sql`reset lock_timeout`.execute(connection)
    await sql`reset statement_timeout`.execute(connection)
    await sql`reset client_connection_check_interval`.execute(connection)
  }
}

// Fixed texts: the only part of a statement that comes from outside is the quoted table name.
const COMMANDS: Readonly<Record<MaintenanceTask, string>> = {
  vacuum: 'vacuum (analyze)',
  reindex: 'reindex table concurrently',
  analyze: 'analyze',
}

/**
 * A concurrent rebuild that gave up leaves invalid twins behind, which cost every later write. They
 * cannot be dropped under the very lock that stopped the rebuild, so the next one begins with that.
 */
async function dropHalfBuilt(connection: Kysely<DB>, table: string): Promise<void> {
  // The indexes of the table's own overflow storage (toast) are rebuilt with it.
  const { rows } = await sql<{ schema: string; name: string }>`
    select n.nspname as schema, i.relname as name
    from pg_class t
    join pg_index x on x.indrelid in (t.oid, t.reltoastrelid)
    join pg_class i on i.oid = x.indexrelid
    join pg_namespace n on n.oid = i.relnamespace
    where t.oid = to_regclass(${`public.${table}`})
      and not x.indisvalid and i.relname like '%\_ccnew%'
    limit 100
  `.execute(connection)
  for (const { schema, name } of rows) {
    await sql`drop index if exists ${sql.id(schema, name)}`.execute(connection)
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE
}
