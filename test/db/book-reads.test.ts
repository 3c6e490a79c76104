/** What people and gauges read of the book: one policy, totals, latencies. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { assertSchemaCurrent, SchemaOutdatedError } from '../../db/schema-state.ts'
import { createBookTotalsStore } from '../../db/stores/book-totals.ts'
import { createLatencyLog } from '../../db/stores/latency-log.ts'
import { createPolicyDetailsStore } from '../../db/stores/policy-details.ts'
import { addMs, type Instant } from '../../domain/time.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { DECIDED_AT, makePayoutBook } from '../support/payout-book.ts'
import { unguarded } from '../support/unguarded.ts'

let database: TestDatabase
let payoutIds: string[]

beforeAll(async () => {
  database = await createTestDatabase()
  payoutIds = await makePayoutBook(database.db, { size: 3 })
})
afterAll(() => database[Symbol.asyncDispose]())

/** Marks a payout as paid `ms` after it was made. */
async function pay(payoutId: string | undefined, ms: number): Promise<Instant> {
  const payment = sql<{ updated_at: Instant }>`
    update payout set state = 'PAID', transfer_id = 'tr_' || id, approved_by = 'policy',
      paid_at = ${DECIDED_AT}, created_at = now() - interval '1 hour',
      updated_at = now() - interval '1 hour' + ${ms} * interval '1 millisecond'
    where id = ${payoutId} returning updated_at`
  const { rows } = await unguarded(database.db, (trx) => payment.execute(trx))
  const [row] = rows
  if (row === undefined) throw new Error('no such payout')
  return row.updated_at
}

describe('one policy', () => {
  it('comes with its decision and its payouts, and without the payee', async () => {
    const policy = await createPolicyDetailsStore(database.db).find('P1')
    expect(policy).toMatchObject({
      policyNumber: 'P1',
      state: 'TRIGGERED',
      leg: { legKey: 'B6|35|JFK|PBI|2013-02-08', departureDate: '2013-02-08' },
      decision: {
        outcome: 'PAY',
        bps: 5_000,
        amountMinor: 12_000,
        delayMin: 130,
        reasons: ['ARRIVED'],
        decidedAt: DECIDED_AT,
      },
      payouts: [
        { payoutId: payoutIds[0], state: 'CREATED', amountMinor: 12_000, transferId: null },
      ],
    })
    expect(JSON.stringify(policy)).not.toContain('acct_')
  })

  it('is null under a number that nobody has', async () => {
    expect(await createPolicyDetailsStore(database.db).find('P999')).toBeNull()
  })
})

describe('totals', () => {
  it('count every state, and tell the shared balances', async () => {
    const totals = await createBookTotalsStore(database.db).read(DECIDED_AT)
    expect(totals.policiesByState).toEqual({ TRIGGERED: 3 })
    expect(Object.values(totals.payoutsByState).reduce((sum, count) => sum + count)).toBe(3)
    expect(totals.balances).toEqual([
      { account: 'pool:main:available', currency: 'USD', balanceMinor: '36000' },
    ])
    expect(totals.coverageIncidentsOpen).toBe(0)
  })
})

describe('latencies', () => {
  const log = () => createLatencyLog(database.db)

  it('are read once, each after the moment asked for', async () => {
    const paidAt = await pay(payoutIds[0], 1_500)
    const first = await log().readSince(addMs(paidAt, -1))
    expect(first.payoutMs).toEqual([1_500])
    expect((await log().readSince(first.until)).payoutMs).toEqual([])
  })

  it('leave what has just happened for the next reading', async () => {
    const { until } = await log().readSince(DECIDED_AT)
    const payment = sql`update payout set state = 'PAID', transfer_id = 'tr_now',
      approved_by = 'policy', paid_at = ${DECIDED_AT}, updated_at = now() where id = ${payoutIds[1]}`
    await unguarded(database.db, (trx) => payment.execute(trx))
    expect((await log().readSince(until)).payoutMs).toEqual([])
  })

  it('never go back', async () => {
    const ahead = addMs((await log().readSince(DECIDED_AT)).until, 60_000)
    expect((await log().readSince(ahead)).until).toBe(ahead)
  })
})

describe('the schema', () => {
  it('is current after migrating, and said to be old before', async () => {
    await assertSchemaCurrent(database.db)
    await sql`delete from kysely_migration`.execute(database.db)
    await expect(assertSchemaCurrent(database.db)).rejects.toThrow(SchemaOutdatedError)
  })
})
