/** Whether a database has every migration that this code needs. Changes nothing. */
import { readdir } from 'node:fs/promises'

import { sql } from 'kysely'

import type { Database } from './client.ts'

const MIGRATIONS = new URL('migrations/', import.meta.url)

/** Numbered files; a schema with more than this many should have been squashed. */
const MIGRATIONS_LIMIT = 10_000

/** The schema is older than the code. Mended by `migrate`. */
export class SchemaOutdatedError extends Error {
  override readonly name = 'SchemaOutdatedError'
}

/** Throws SchemaOutdatedError naming the missing migrations, or the database's own error. */
export async function assertSchemaCurrent(db: Database): Promise<void> {
  const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql'))
  const { rows } = await sql<{ name: string }>`
    select name from kysely_migration order by name limit ${MIGRATIONS_LIMIT}`.execute(db)
  const applied = new Set(rows.map((row) => row.name))
  const missing = files.map((file) => file.slice(0, -'.sql'.length)).filter((n) => !applied.has(n))
  if (missing.length > 0) {
    throw new SchemaOutdatedError(`migrations are missing: ${missing.toSorted().join(', ')}`)
  }
}
