/**
 * A migrated Postgres database of its own for a test file: a clone of a template that is migrated once
 * per schema version. The server's address comes from the suite's global set-up.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

import pg from 'pg'
import { inject } from 'vitest'

import { createDatabase } from '../../db/client.ts'
import type { Database } from '../../db/client.ts'
import { migrate } from '../../db/migrate.ts'
import type {} from './services.ts'

export type TestDatabase = {
  readonly db: Database
  readonly url: string
  /** Closes the pool and drops the database. */
  [Symbol.asyncDispose](): Promise<void>
}

export type TestDatabaseOptions = {
  /** Connections of the pool; 10 when left out. */
  readonly max?: number
  /** An empty database instead of a migrated one. */
  readonly isEmpty?: boolean
}

// Any fixed number: test processes that want the template at once take turns.
const TEMPLATE_LOCK = 7_226_412_020

/** Creates the database; `await using` it, or dispose of it in `afterAll`. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = serverUrl()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await administer(server, async (client) => {
    if (options.isEmpty === true) {
      await client.query(`create database ${name}`)
      return
    }
    const template = await ensureTemplate(client, server)
    await client.query(`create database ${name} template ${template} strategy file_copy`)
  })
  const url = databaseUrl(server, name)
  const db = createDatabase(url, { max: options.max ?? 10, applicationName: 'test' })
  return {
    db,
    url,
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await administer(server, (client) => client.query(`drop database ${name} with (force)`))
    },
  }
}

// A developer may point the suite at a server that is already running.
function serverUrl(): string {
  const { TEST_POSTGRES_URL } = process.env
  return TEST_POSTGRES_URL ?? inject('databaseUrl')
}

async function ensureTemplate(client: pg.Client, server: string): Promise<string> {
  const name = `template_${schemaHash()}`
  await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [name])
    if (found.rowCount === 1) return name
    // Migrated under another name first: a half-migrated template must never be cloned.
    const draft = `${name}_draft`
    await client.query(`drop database if exists ${draft} with (force)`)
    await client.query(`create database ${draft}`)
    const db = createDatabase(databaseUrl(server, draft), { max: 1 })
    await migrate(db)
    await db.destroy()
    await client.query(`alter database ${draft} rename to ${name}`)
    return name
  } finally {
    await client.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK])
  }
}

function schemaHash(): string {
  const folder = new URL('../../db/migrations/', import.meta.url)
  const hash = createHash('sha256')
  for (const file of readdirSync(folder).toSorted())
    hash.update(readFileSync(new URL(file, folder)))
  return hash.digest('hex').slice(0, 16)
}

async function administer(
  server: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl(server, 'postgres') })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
