/** A policy is its tenant's from the moment it is bound, whoever brings it and from whatever book. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createContactStore } from '../../db/stores/contact-store.ts'
import { createPolicyList } from '../../db/stores/policy-list.ts'
import { createPolicyStore } from '../../db/stores/policy-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { importContacts } from '../../operations/import-contacts.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { importPolicies, type ImportOptions } from '../../operations/import-policies.ts'
import {
  B6_35,
  BOUND_AT,
  CAPACITY_MINOR,
  fakeFlightData,
  manualClock,
  placed,
  rowOf,
} from '../support/builders.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { quoteDesk } from '../support/quote-desk.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  await ensureProducts({ productStore: createProductStore(database.db) })
})
afterAll(() => database[Symbol.asyncDispose]())

type Change = Parameters<typeof rowOf>[2]

function bring(rows: readonly [string, Change][], options: ImportOptions = {}) {
  const { db } = database
  const deps = {
    policyStore: createPolicyStore(db),
    productStore: createProductStore(db),
    flightData: fakeFlightData([B6_35]),
    clock: manualClock(BOUND_AT),
    capacityMinor: CAPACITY_MINOR,
  }
  const book = rows.map(([number, change]) => rowOf(B6_35, number, change))
  return importPolicies(deps, placed(book), options)
}

async function tenantOf(number: string): Promise<string | undefined> {
  const { rows } = await sql<{ tenant: string }>`
    select tenant from policy where policy_number = ${number}`.execute(database.db)
  return rows[0]?.tenant
}

test('a row that names no tenant is the importer’s, one that does is as it says', async () => {
  expect(await bring([['A1', {}]])).toMatchObject({ imported: 1, rejected: [] })
  expect(await tenantOf('A1')).toBe('default')
  const rows: [string, Change][] = [
    ['A2', {}],
    ['A3', { tenant: 'bluejet' }],
  ]
  expect(await bring(rows, { tenant: 'acme' })).toMatchObject({ imported: 2, rejected: [] })
  expect(await tenantOf('A2')).toBe('acme')
  expect(await tenantOf('A3')).toBe('bluejet')
})

test('a partner brings rows of no other tenant; its own name is taken', async () => {
  const rows: [string, Change][] = [
    ['B1', { tenant: 'acme' }],
    ['B2', { tenant: 'bluejet' }],
    ['B3', { tenant: 'default' }],
  ]
  const brought = await bring(rows, { tenant: 'acme', isTenantFixed: true })
  expect(brought.imported).toBe(1)
  expect(brought.rejected.map(({ policyNumber, field }) => [policyNumber, field])).toEqual([
    ['B2', 'tenant'],
    ['B3', 'tenant'],
  ])
  expect(await tenantOf('B2')).toBeUndefined()
})

test('a number of another tenant is taken, and nothing of its policy is told', async () => {
  await bring([['C1', { sum_insured: '300' }]], { tenant: 'acme' })
  const again = await bring([['C1', { sum_insured: '300' }]], { tenant: 'acme' })
  expect(again).toMatchObject({ imported: 0, unchanged: 1, rejected: [] })
  const other = await bring([['C1', { sum_insured: '999' }]], { tenant: 'bluejet' })
  expect(other).toMatchObject({
    imported: 0,
    unchanged: 0,
    rejected: [{ field: 'policy_number', reason: 'is the number of another policy' }],
  })
  expect(await tenantOf('C1')).toBe('acme')
})

test('what is no name of a tenant is told', async () => {
  const brought = await bring([['D1', { tenant: 'ACME Ltd' }]])
  expect(brought.rejected).toMatchObject([{ field: 'tenant' }])
})

test('the tenant of a policy never changes', async () => {
  await bring([['E1', {}]], { tenant: 'acme' })
  const moved = sql`update policy set tenant = 'default' where policy_number = 'E1'`
  await expect(moved.execute(database.db)).rejects.toThrow('append-only')
})

test('lists keep to a tenant that is asked for', async () => {
  await bring([['F1', {}]], { tenant: 'only-here' })
  const list = (tenant?: string) =>
    createPolicyList(database.db).list({ tenant }, { limit: 200, cursor: undefined })
  expect((await list('only-here')).items.map((one) => one.policyNumber)).toEqual(['F1'])
  expect((await list()).items.map((one) => one.tenant)).toContain('only-here')
  expect((await list('nobody')).items).toEqual([])
})

test('a quote becomes a policy of its tenant', async () => {
  await using desk = await quoteDesk()
  const id = await desk.quoteId()
  await sql`insert into quote (id, product_version_id, leg_key, sold, leg, sum_insured_minor, currency,
      premium_minor, rate, terms, amounts, quoted_at, expires_at, tenant)
    select groundstop_id('other'), product_version_id, leg_key, sold, leg, sum_insured_minor, currency,
      premium_minor, rate, terms, amounts, quoted_at, expires_at, 'acme'
    from quote where id = ${id}::uuid`.execute(desk.db)
  const { rows } = await sql<{ id: string }>`
    select id from quote where tenant = 'acme'`.execute(desk.db)
  expect(await desk.bind(rows[0]?.id ?? '', 'Q1')).toMatchObject({ kind: 'bound' })
  const foreign = { kind: 'invalid', problems: [{ field: 'payee_ref' }] }
  expect(await desk.bind(id, 'Q2')).toMatchObject(foreign)
  expect(await desk.bind(id, 'Q2', 'acct_2')).toMatchObject({ kind: 'bound' })
  const bound = await sql`select policy_number as n, tenant from policy order by 1`.execute(desk.db)
  expect(bound.rows).toEqual([
    { n: 'Q1', tenant: 'acme' },
    { n: 'Q2', tenant: 'default' },
  ])
})

test('a holder is one tenant’s: whoever names them first', async () => {
  const shared = { payee_ref: 'acct_shared' }
  expect(await bring([['G1', shared]], { tenant: 'acme' })).toMatchObject({ imported: 1 })
  expect(await bring([['G2', shared]], { tenant: 'acme' })).toMatchObject({ imported: 1 })
  for (const tenant of ['bluejet', 'default']) {
    expect(await bring([['G3', shared]], { tenant })).toMatchObject({
      imported: 0,
      rejected: [{ field: 'payee_ref', reason: "is another tenant's holder" }],
    })
  }
  const ours = { payee_ref: 'acct_ours' }
  expect(await bring([['G4', ours]])).toMatchObject({ imported: 1 })
  expect(await bring([['G5', ours]], { tenant: 'acme' })).toMatchObject({ imported: 0 })
})

test('two tenants of one page that name a holder leave it to the first', async () => {
  const named = (tenant: string) => ({ payee_ref: 'acct_both', tenant })
  const rows: [string, Change][] = [
    ['H1', named('acme')],
    ['H2', named('bluejet')],
    ['H3', named('acme')],
  ]
  const brought = await bring(rows)
  expect(brought.imported).toBe(2)
  expect(brought.rejected.map(({ policyNumber }) => policyNumber)).toEqual(['H2'])
})

test('a policy cannot be moved to another tenant’s holder, whatever statement tries', async () => {
  await bring([['I1', { payee_ref: 'acct_i1' }]], { tenant: 'acme' })
  await bring([['I2', { payee_ref: 'acct_i2' }]], { tenant: 'bluejet' })
  const move = (to: string) =>
    sql`update policy set payee_ref = ${to} where policy_number = 'I1'`.execute(database.db)
  await expect(move('acct_i2')).rejects.toThrow('the holder is of another tenant')
  await move('acct_i3')
  await expect(
    sql`update policy set payee_ref = 'acct_i3' where policy_number = 'I2'`.execute(database.db),
  ).rejects.toThrow('the holder is of another tenant')
})

test('contacts of a tenant are of its holders and of nobody’s', async () => {
  await bring([['J1', { payee_ref: 'acct_j1' }]], { tenant: 'acme' })
  await bring([['J2', { payee_ref: 'acct_j2' }]])
  const rows = ['acct_j1', 'acct_j2', 'acct_j3'].map((ref, line) => ({
    line,
    row: { holder_ref: ref, email: 'zoe@example.com' },
  }))
  const contactStore = createContactStore(database.db, null)
  const kept = await importContacts({ contactStore, tenant: 'acme' }, rows)
  expect(kept).toMatchObject({ created: 2, rejected: [{ line: 1, field: 'holder_ref' }] })
  const other = await importContacts({ contactStore, tenant: 'bluejet' }, rows)
  expect(other.rejected.map(({ line }) => line)).toEqual([0, 1, 2])
  expect(await importContacts({ contactStore }, rows)).toMatchObject({ created: 1, rejected: [] })
})
