/** The second lock: whatever a statement asks for, the role of tenants gives the rows of one tenant alone. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createDatabase, type Database } from '../../db/client.ts'
import { migrate } from '../../db/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makeReadBook } from '../support/read-book.ts'

let database: TestDatabase
let acme: Database
let nobody: Database

const TENANTS = ['acme', 'bluejet', 'default']

beforeAll(async () => {
  database = await createTestDatabase()
  const { db, url } = database
  await makeReadBook(db, (i) => TENANTS[i % TENANTS.length] ?? 'default')
  await sql`
    insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
    select groundstop_id('case|' || p.id), 'policy', p.id, 'PAYEE', now() from policy p
    union all
    select groundstop_id('case|' || o.id), 'payout', o.id, 'PAYEE', now() from payout o
    union all select groundstop_id('ceiling'), 'control', groundstop_id('x'), 'DAILY_CEILING', now()`.execute(
    db,
  )
  await sql`insert into told_case (case_id) select id from review_case`.execute(db)
  await sql`
    insert into notification (id, audience, template, template_version, locale, channel, to_ref, policy_id)
    select groundstop_id('n|' || id), 'holder', 'policy-bound', 1, 'en', 'email', payee_ref, id from policy
  `.execute(db)
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    select now(), 'ana', 'review.claim', 'review:' || id, '{}'::jsonb from review_case
    union all select now(), 'ana', 'policy.cancel', 'policy:' || policy_number, '{}'::jsonb from policy`.execute(
    db,
  )
  await sql`
    insert into contact (holder_ref, email, locale, channels)
    select payee_ref, 'zoe@example.com', 'en', '{email}' from policy`.execute(db)
  await sql`
    insert into person_key (holder_ref, material)
    select payee_ref, decode(repeat('00', 32), 'hex') from policy`.execute(db)
  await sql`
    insert into privacy_request (id, kind, holder_ref, received_at, due_at, received_by)
    select groundstop_id('r|' || id), 'export', payee_ref, now(), now() + interval '30 days', 'ana'
    from policy`.execute(db)
  acme = createDatabase(url, { max: 2, tenant: 'acme' })
  nobody = createDatabase(url, { max: 1, tenant: 'nobody' })
})
afterAll(async () => {
  await Promise.all([acme.destroy(), nobody.destroy()])
  await database[Symbol.asyncDispose]()
})

async function count(db: Database, from: string): Promise<number> {
  const { rows } = await sql<{
    n: number
  }>`select count(*)::int as n from ${sql.raw(from)}`.execute(db)
  return rows[0]?.n ?? -1
}

/** What of a table is acme's, asked by who sees all. */
const OWN: Readonly<Record<string, string>> = {
  policy: `policy x where x.tenant = 'acme'`,
  payout: `payout x join policy p on p.id = x.policy_id where p.tenant = 'acme'`,
  payout_attempt: `payout_attempt x join payout o on o.id = x.payout_id
    join policy p on p.id = o.policy_id where p.tenant = 'acme'`,
  escrow_reservation: `escrow_reservation x join policy p on p.id = x.policy_id where p.tenant = 'acme'`,
  notification: `notification x join policy p on p.id = x.policy_id where p.tenant = 'acme'`,
  notification_fact: `notification_fact x join policy p on p.id = x.policy_id where p.tenant = 'acme'`,
  review_case: `review_case x left join payout o on o.id = x.subject_id
    join policy p on p.id in (x.subject_id, o.policy_id) where p.tenant = 'acme'`,
  told_case: `told_case t join review_case x on x.id = t.case_id left join payout o on o.id = x.subject_id
    join policy p on p.id in (x.subject_id, o.policy_id) where p.tenant = 'acme'`,
  contact: `contact x join policy p on p.payee_ref = x.holder_ref where p.tenant = 'acme'`,
  person_key: `person_key x join policy p on p.payee_ref = x.holder_ref where p.tenant = 'acme'`,
  privacy_request: `privacy_request x join policy p on p.payee_ref = x.holder_ref
    where p.tenant = 'acme'`,
  tenant_holder: `tenant_holder x where x.tenant = 'acme'`,
  ledger_transaction: `ledger_transaction x where exists (select from policy p
    left join payout o on o.policy_id = p.id
    where p.tenant = 'acme' and split_part(x.ref, ':', 2) in (p.id::text, o.id::text))`,
}

describe('a connection of a tenant', () => {
  it.each(Object.keys(OWN))('gives of %s its own rows, all of them', async (table) => {
    const own = await count(database.db, OWN[table] ?? '')
    expect(await count(acme, table)).toBe(own)
    expect(own).toBeGreaterThan(0)
    expect(await count(database.db, table)).toBeGreaterThan(own)
  })

  it('gives the trail of its own cases alone', async () => {
    const { rows } = await sql<{ subject: string }>`select subject from audit_event`.execute(acme)
    expect(rows).toHaveLength(await count(acme, 'review_case'))
    expect(rows.every(({ subject }) => subject.startsWith('review:'))).toBe(true)
  })

  it('gives nothing to a tenant without policies', async () => {
    const { rows } = await sql<{ name: string }>`
      select table_name as name from information_schema.role_table_grants
      where grantee = 'groundstop_tenant' and table_name not in ('product_version', 'setting')
      order by 1`.execute(database.db)
    expect(rows.length).toBeGreaterThan(15)
    for (const { name } of rows) expect([name, await count(nobody, name)]).toEqual([name, 0])
  })

  it.each([
    `update policy set payee_ref = 'acct_mine'`,
    `delete from payout`,
    `insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
      values (groundstop_id('y'), 'policy', groundstop_id('z'), 'PAYEE', now())`,
    `select * from erased_person`,
    `select * from auth_user`,
    `select * from pool_balance`,
  ])('is denied: %s', async (statement) => {
    await expect(sql.raw(statement).execute(acme)).rejects.toThrow('permission denied')
  })

  it('is that tenant’s from its first statement to its last', async () => {
    await acme.transaction().execute(async (trx) => {
      expect(await count(trx, 'policy')).toBe(await count(database.db, OWN['policy'] ?? ''))
    })
    await sql`reset all`.execute(acme)
    expect(await count(acme, 'policy')).toBe(await count(database.db, OWN['policy'] ?? ''))
  })

  it('is opened for nobody but a tenant', () => {
    for (const tenant of ['default', '', 'a b', `x' or true`, 'x -c role=postgres']) {
      expect(() => createDatabase(database.url, { tenant })).toThrow(RangeError)
    }
  })
})

describe('the house', () => {
  it('reads with the plans that it had: no rule is asked', async () => {
    const { rows } = await sql<Record<string, string>>`
      explain (costs off) select p.id from policy p join payout o on o.policy_id = p.id
      join flight_leg l on l.id = p.leg_id`.execute(database.db)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).not.toMatch(/SubPlan|current_setting|tenant/)
    const seen = await sql<Record<string, string>>`
      explain (costs off) select id from policy`.execute(acme)
    expect(seen.rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('current_setting')
  })
})

describe('a database user that may not make roles', () => {
  it('is told what an administrator has to run, and migrates once that was done', async () => {
    const name = `plain_${randomUUID().replaceAll('-', '')}`
    const { db } = database
    const run = (statement: string) => sql.raw(statement).execute(db)
    await run(`create role ${name} login password 'x'`)
    // What the functions of retention set for themselves.
    await run(`grant set on parameter groundstop.retention to ${name}`)
    await using empty = await createTestDatabase({ isEmpty: true })
    const own = new URL(empty.url)
    await run(`alter database ${own.pathname.slice(1)} owner to ${name}`)
    await sql.raw(`alter schema public owner to ${name}`).execute(empty.db)
    own.username = name
    own.password = 'x'
    const plain = createDatabase(own.href, { max: 1 })
    try {
      const needed = `grant groundstop_tenant to ${name}`
      await expect(migrate(plain)).rejects.toThrow(
        `may not act as groundstop_tenant: have an administrator of the server run: ${needed}`,
      )
      await run(needed)
      expect((await migrate(plain)).length).toBeGreaterThan(50)
      const tenant = createDatabase(own.href, { max: 1, tenant: 'acme' })
      expect(await count(tenant, 'policy')).toBe(0)
      await tenant.destroy()
    } finally {
      await plain.destroy()
      await sql.raw(`drop owned by ${name} cascade`).execute(empty.db)
      await run(`alter database ${own.pathname.slice(1)} owner to current_user`)
      await run(`drop role ${name}`)
    }
  }, 60_000)
})
