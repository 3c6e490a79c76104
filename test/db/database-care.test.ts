/** Maintenance on a real Postgres: it does its work and gives way to whoever holds a lock. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createDatabaseCare } from '../../db/stores/database-care.ts'
import { createPolicyLegs } from '../../db/stores/policy-legs.ts'
import type { DatabaseCare, MaintenanceTask } from '../../domain/ports/database-care.ts'
import { maintainDatabase, UnknownTableError } from '../../operations/maintain-database.ts'
import type { TestDatabase } from '../support/database.ts'
import { createTestDatabase } from '../support/database.ts'

let database: TestDatabase
let databaseCare: DatabaseCare

beforeAll(async () => {
  database = await createTestDatabase()
  databaseCare = createDatabaseCare(database.db)
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

describe('maintenance', () => {
  test.each<MaintenanceTask>(['vacuum', 'reindex', 'analyze'])('%s is done', async (task) => {
    const report = await maintainDatabase({ databaseCare }, { task, tables: ['policy', 'payout'] })
    expect(report).toMatchObject({ task, done: ['policy', 'payout'], skipped: [] })
    expect(report.bytesAfter).toBeGreaterThan(0)
  })

  test('goes over every table when none is named', async () => {
    const done: number[] = []
    const onProgress = (count: number): void => void done.push(count)
    const report = await maintainDatabase({ databaseCare }, { task: 'analyze' }, { onProgress })
    expect(report.done).toEqual(expect.arrayContaining(['flight_leg', 'ledger_posting', 'policy']))
    expect(done).toHaveLength(report.done.length)
  })

  test('skips a table whose lock others hold, and says so', async () => {
    await database.db.transaction().execute(async (holder) => {
      await sql`lock table setting in access exclusive mode`.execute(holder)
      const tables = ['setting', 'payout']
      expect(await maintainDatabase({ databaseCare }, { task: 'vacuum', tables })).toMatchObject({
        done: ['payout'],
        skipped: [{ table: 'setting' }],
      })
    })
  })

  test('a rebuild that gave way leaves nothing behind once another one succeeds', async () => {
    const input = { task: 'reindex', tables: ['setting'] } as const
    await database.db.transaction().execute(async (holder) => {
      await sql`lock table setting in row exclusive mode`.execute(holder)
      expect(await maintainDatabase({ databaseCare }, input)).toMatchObject({ done: [] })
    })
    expect(await maintainDatabase({ databaseCare }, input)).toMatchObject({ done: ['setting'] })
    const { rows } = await sql`select 1 from pg_index where not indisvalid`.execute(database.db)
    expect(rows).toEqual([])
  })

  test('does nothing when a table is not there', async () => {
    const tables = ['policy', 'pg_class']
    await expect(
      maintainDatabase({ databaseCare }, { task: 'vacuum', tables }),
    ).rejects.toBeInstanceOf(UnknownTableError)
  })

  test('leaves the session as it found it', async () => {
    await databaseCare.run('analyze', 'policy')
    const { rows } = await sql<{ lock: string; statement: string; client: string }>`
      select current_setting('lock_timeout') as lock,
        current_setting('statement_timeout') as statement,
        current_setting('client_connection_check_interval') as client`.execute(database.db)
    expect(rows).toEqual([{ lock: '0', statement: '2min', client: '0' }])
  })
})

test('a policy that is not there has no leg', async () => {
  const policyLegs = createPolicyLegs(database.db)
  expect(await policyLegs.legOfPolicy('no-such-number')).toBeNull()
  expect(await policyLegs.legOfPolicy('8a1f2c1e-7d0b-5f7e-9a36-3f0e6b1c2d4a')).toBeNull()
})
