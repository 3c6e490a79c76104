/** Whose the rows of each table are is written down: the table of docs/tenants.md and the schema agree. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { readSource } from '../support/repository.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

const ROW = /^\| (?<kind>tenant|business|shared|platform) +\| (?<names>[^|]+) \|$/gm

/** The tables of a document's rows, each as `[name, kind]`. */
function classified(markdown: string): [string, string][] {
  return Array.from(markdown.matchAll(ROW)).flatMap(({ groups }) =>
    Array.from((groups?.['names'] ?? '').matchAll(/`(?<name>\w+)`/g), (match): [string, string] => [
      match.groups?.['name'] ?? '',
      groups?.['kind'] ?? '',
    ]),
  )
}

test('every table is classified once, and none that does not exist', async () => {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'
      and table_name not like 'kysely%'
    limit 1000`.execute(database.db)
  const names = classified(readSource('docs/tenants.md')).map(([name]) => name)
  expect(names.toSorted()).toEqual(rows.map(({ name }) => name).toSorted())
})

test('exactly the tables said to carry a tenant have the column', async () => {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.columns
    where table_schema = 'public' and column_name = 'tenant'
    limit 1000`.execute(database.db)
  const said = classified(readSource('docs/tenants.md')).filter(([, kind]) => kind === 'tenant')
  expect(said.map(([name]) => name).toSorted()).toEqual(rows.map(({ name }) => name).toSorted())
})
