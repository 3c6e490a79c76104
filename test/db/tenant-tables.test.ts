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

const ROW = /^\| (?<kind>tenant|policy|holder|house|shared|platform) +\| (?<names>[^|]+) \|$/gm

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

type Readable = { readonly name: string; readonly isRuled: boolean; readonly rights: string }

/** What the role of tenants may do, table by table. */
async function readable(): Promise<readonly Readable[]> {
  const { rows } = await sql<Readable>`
    select c.relname as name, c.relrowsecurity as "isRuled", string_agg(g.privilege_type, ',') as rights
    from information_schema.role_table_grants g
    join pg_class c on c.relname = g.table_name and c.relnamespace = 'public'::regnamespace
    where g.grantee = 'groundstop_tenant'
    group by 1, 2
    limit 1000`.execute(database.db)
  return rows
}

test('the role of tenants only reads, and by a rule whatever is not everybody’s', async () => {
  const kindOf = new Map(classified(readSource('docs/tenants.md')))
  const tables = await readable()
  expect(tables.length).toBeGreaterThan(15)
  for (const { name, isRuled, rights } of tables) {
    expect([name, rights]).toEqual([name, 'SELECT'])
    if (kindOf.get(name) !== 'shared') expect([name, isRuled]).toEqual([name, true])
  }
})

test('whatever is a policy’s has a rule', async () => {
  const tables = new Map((await readable()).map(({ name, isRuled }) => [name, isRuled]))
  const said = classified(readSource('docs/tenants.md')).filter(([, kind]) => kind === 'policy')
  expect(said.map(([name]) => [name, tables.get(name)])).toEqual(said.map(([name]) => [name, true]))
})
