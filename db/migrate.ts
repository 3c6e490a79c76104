/**
 * Brings a database to the newest schema: the numbered SQL files of db/migrations, in order, each once.
 */
import { readdir, readFile } from 'node:fs/promises'

import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Migration } from 'kysely/migration'

import type { Database } from './client.ts'

const MIGRATIONS = new URL('migrations/', import.meta.url)
const FILE_NAME = /^(\d{4}_[a-z0-9_]+)\.sql$/

// Any fixed number: every process that migrates this database waits for the same lock.
const MIGRATION_LOCK = 7_226_412_019

/** A schema change failed; nothing of the whole run was kept. `migration` is the file's name. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
  readonly code = 'MIGRATION_FAILED'
  readonly migration: string | null

  constructor(migration: string | null, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`migration ${migration ?? 'of the database'} failed: ${reason}`, { cause })
    this.migration = migration
  }
}

/**
 * Applies what is missing, all or nothing, and returns the names applied (none when up to date). Safe
 * to call from many processes at once: they take turns. Throws MigrationError.
 */
export async function migrate(db: Database): Promise<string[]> {
  // What the migrator tells of a failure is that the transaction is over: the first error says why.
  let failure: MigrationError | undefined
  const migrations = await readMigrations((error) => {
    failure ??= error
  })
  try {
    return await db.transaction().execute(async (trx) => {
      await sql`set local statement_timeout = 0`.execute(trx)
      // Before anything is created: `create table if not exists` of two sessions at once can collide.
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(trx)
      const provider = { getMigrations: () => Promise.resolve(migrations) }
      const { error, results } = await new Migrator({ db: trx, provider }).migrateToLatest()
      if (error !== undefined) throw new MigrationError(null, error)
      return (results ?? []).map((result) => result.migrationName)
    })
  } catch (error) {
    throw failure ?? (error instanceof MigrationError ? error : new MigrationError(null, error))
  }
}

async function readMigrations(
  onFailure: (error: MigrationError) => void,
): Promise<Record<string, Migration>> {
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql')).toSorted()
  const migrations: Record<string, Migration> = {}
  for (const fileName of names) {
    const name = FILE_NAME.exec(fileName)?.[1]
    if (name === undefined)
      throw new MigrationError(fileName, new Error('name is not NNNN_name.sql'))
    const text = await readFile(new URL(fileName, MIGRATIONS), 'utf8')
    migrations[name] = {
      up: async (db) => {
        try {
          await sql.raw(text).execute(db)
        } catch (error) {
          onFailure(new MigrationError(name, error))
          throw error
        }
      },
    }
  }
  return migrations
}
