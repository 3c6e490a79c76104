/** Payouts beyond the first: made from the pool, within what was insured, paid like any other. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createTopUpStore } from '../../db/stores/top-up-store.ts'
import { ledgerRef, topUpPosting } from '../../domain/ledger.ts'
import { currency, minorUnits, type Money } from '../../domain/money.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { batchPayouts } from '../../operations/batch-payouts.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { topUpPayout, type TopUpRequest } from '../../operations/top-up-payout.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock, startPaymentRig } from '../support/payment-rig.ts'

/** Of the book: what was paid first, and what was insured. */
const PAID_MINOR = 12_000
const INSURED_MINOR = 24_000

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
let rig: Awaited<ReturnType<typeof startPaymentRig>>
let books = 0
const clock = new HandClock()

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
  rig = await startPaymentRig(clock)
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const usd = (minor: number): Money => ({ minor: minorUnits(minor), currency: currency('USD') })
const deps = () => ({ topUpStore: createTopUpStore(database.db), clock })

type Made = { readonly policyId: string; readonly payoutId: string }

/** A policy with its first payout, CREATED. */
async function makeTriggered(): Promise<Made> {
  books += 1
  const [payoutId = ''] = await makePayoutBook(database.db, { size: 1, prefix: `T${books}X` })
  const { rows } = await sql<{ policy_id: string }>`
    select policy_id from payout where id = ${payoutId}::uuid`.execute(database.db)
  return { policyId: rows[0]?.policy_id ?? '', payoutId }
}

async function pay(payoutIds: readonly string[]): Promise<void> {
  await approvePayouts({ ...stores, clock }, { payoutIds })
  await submitPayouts({ ...stores, payments: rig.payments, clock }, { payoutIds })
}

async function makePaid(): Promise<Made> {
  const made = await makeTriggered()
  await pay([made.payoutId])
  return made
}

function request(policyId: string, change: Partial<TopUpRequest> = {}): TopUpRequest {
  const decisionRef = 'review:1'
  return {
    policyId,
    decisionRef,
    difference: usd(5_000),
    by: 'user:ana',
    reason: 'appeal',
    ...change,
  }
}

async function policyState(policyId: string): Promise<string> {
  const { rows } = await sql<{ state: string }>`
    select state from policy where id = ${policyId}::uuid`.execute(database.db)
  return rows[0]?.state ?? 'none'
}

async function payoutsOf(policyId: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', revision, amount_minor, state) as line from payout
    where policy_id = ${policyId}::uuid order by revision`.execute(database.db)
  return rows.map((row) => row.line)
}

const expectCleanBook = async (): Promise<void> =>
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })

describe('a top-up', () => {
  test('is a payout of its own that the next batch takes and the same steps pay, once', async () => {
    const { policyId } = await makePaid()
    await batchPayouts({ ...stores })
    const outcome = await topUpPayout(deps(), request(policyId))
    expect(outcome).toMatchObject({ kind: 'made', revision: 1, isNew: true })
    expect(await policyState(policyId)).toBe('TRIGGERED')
    await expectCleanBook()
    const payoutId = outcome.kind === 'made' ? outcome.payoutId : ''
    const { batchIds } = await batchPayouts({ ...stores })
    const { rows } = await sql<{ batch_id: string }>`
      select batch_id from payout where id = ${payoutId}::uuid`.execute(database.db)
    expect(batchIds).toContain(rows[0]?.batch_id)
    await pay([payoutId])
    await pay([payoutId])
    expect(await policyState(policyId)).toBe('PAID')
    expect(await payoutsOf(policyId)).toEqual([`0 ${PAID_MINOR} PAID`, '1 5000 PAID'])
    expect(rig.book.byGroup(payoutId).map(({ amount }) => amount)).toEqual([5_000])
    await expectCleanBook()
  })

  test('takes its money from the pool, as the domain says', async () => {
    const { policyId } = await makePaid()
    const outcome = await topUpPayout(deps(), request(policyId))
    const payoutId = outcome.kind === 'made' ? outcome.payoutId : ''
    const effectiveAt = await clock.now()
    const wanted = topUpPosting({ policyId, payoutId, amount: usd(5_000), effectiveAt })
    const { rows } = await sql`
      select l.source, l.destination, l.amount_minor as minor, l.currency
      from ledger_transaction t join ledger_posting l on l.transaction_id = t.id
      where t.ref = ${ledgerRef.trigger(payoutId)} and t.kind = ${wanted.kind}`.execute(database.db)
    expect(rows).toEqual(
      wanted.postings.map(({ source, destination, amount }) => ({
        source,
        destination,
        ...amount,
      })),
    )
  })

  test('is audited with who and why', async () => {
    const { policyId } = await makePaid()
    await topUpPayout(deps(), request(policyId))
    const { rows } = await sql`
      select actor, action, details ->> 'reason' as reason from audit_event
      where details ->> 'policyId' = ${policyId}`.execute(database.db)
    expect(rows).toEqual([{ actor: 'user:ana', action: 'payout.top-up', reason: 'appeal' }])
  })

  test('is made once however often its decision is asked for, also at once', async () => {
    const { policyId } = await makePaid()
    const made = await Promise.all(
      Array.from({ length: 5 }, () => topUpPayout(deps(), request(policyId))),
    )
    expect(made.filter((one) => one.kind === 'made' && one.isNew)).toHaveLength(1)
    expect(new Set(made.map((one) => (one.kind === 'made' ? one.payoutId : one.why))).size).toBe(1)
    expect(await payoutsOf(policyId)).toHaveLength(2)
    await expectCleanBook()
  })

  test('follows another one once that is paid', async () => {
    const { policyId } = await makePaid()
    for (const n of [1, 2]) {
      const decisionRef = `review:${n}`
      const outcome = await topUpPayout(deps(), request(policyId, { decisionRef }))
      expect(outcome).toMatchObject({ kind: 'made', revision: n })
      await pay([outcome.kind === 'made' ? outcome.payoutId : ''])
    }
    expect(await payoutsOf(policyId)).toHaveLength(3)
    await expectCleanBook()
  })

  test('up to the sum insured is made', async () => {
    const { policyId } = await makePaid()
    const difference = usd(INSURED_MINOR - PAID_MINOR)
    expect(await topUpPayout(deps(), request(policyId, { difference }))).toMatchObject({
      kind: 'made',
    })
    await expectCleanBook()
  })
})

describe('a top-up is refused, and changes nothing,', () => {
  const REFUSED: readonly (readonly [string, string, Partial<TopUpRequest>])[] = [
    ['a cent above the sum insured', 'above-insured', { difference: usd(12_001) }],
    ['when it is not higher', 'not-higher', { difference: usd(0) }],
    ['when it is lower', 'not-higher', { difference: usd(-1) }],
    [
      'in another currency',
      'other-currency',
      { difference: { minor: minorUnits(1), currency: currency('EUR') } },
    ],
    [
      'on an evaluation that does not exist',
      'no-such-evaluation',
      { evaluationId: '00000000-0000-4000-8000-000000000000' },
    ],
    [
      'for a policy that does not exist',
      'no-such-policy',
      { policyId: '00000000-0000-4000-8000-000000000000' },
    ],
  ]

  test.each(REFUSED)('%s', async (_name, why, change) => {
    const { policyId } = await makePaid()
    expect(await topUpPayout(deps(), request(policyId, change))).toEqual({ kind: 'refused', why })
    expect(await payoutsOf(policyId)).toEqual([`0 ${PAID_MINOR} PAID`])
    expect(await policyState(policyId)).toBe('PAID')
    await expectCleanBook()
  })

  test('while the first payout is not settled', async () => {
    const { policyId } = await makeTriggered()
    expect(await topUpPayout(deps(), request(policyId))).toEqual({
      kind: 'refused',
      why: 'unsettled',
    })
  })

  test('when the outcome is not to pay', async () => {
    const { policyId } = await makePaid()
    const decide = (outcome: string, minor: number) =>
      sql`update policy set outcome = ${outcome}, amount_minor = ${minor}
        where id = ${policyId}::uuid`.execute(database.db)
    await decide('NO_PAY', 0)
    expect(await topUpPayout(deps(), request(policyId))).toEqual({
      kind: 'refused',
      why: 'not-paying',
    })
    await decide('PAY', PAID_MINOR)
    await expectCleanBook()
  })

  test('when the pool does not hold it', async () => {
    const { policyId } = await makePaid()
    const { rows } = await sql<{ balance: string }>`
      select balance_minor as balance from pool_balance where currency = 'USD'`.execute(database.db)
    await sql`update pool_balance set balance_minor = 4999 where currency = 'USD'`.execute(
      database.db,
    )
    expect(await topUpPayout(deps(), request(policyId))).toEqual({
      kind: 'refused',
      why: 'pool-short',
    })
    await sql`update pool_balance set balance_minor = 5000 where currency = 'USD'`.execute(
      database.db,
    )
    expect(await topUpPayout(deps(), request(policyId))).toMatchObject({ kind: 'made' })
    await sql`update pool_balance set balance_minor = ${rows[0]?.balance ?? '0'}::numeric - 5000
      where currency = 'USD'`.execute(database.db)
    await expectCleanBook()
  })

  test('when its decision made a payout of another amount', async () => {
    const { policyId } = await makePaid()
    await topUpPayout(deps(), request(policyId))
    const other = request(policyId, { difference: usd(5_001) })
    expect(await topUpPayout(deps(), other)).toEqual({ kind: 'refused', why: 'decision-reused' })
  })
})

describe('the schema', () => {
  const insert = (policyId: string, revision: number, minor: number, code = 'USD') =>
    sql`insert into payout (id, policy_id, revision, evaluation_id, amount_minor, currency, payee_ref,
        decision_ref)
      select gen_random_uuid(), id, ${revision}::integer, evaluation_id, ${minor}::bigint, ${code},
        payee_ref, 'review:' || ${revision}::integer
      from policy where id = ${policyId}::uuid`.execute(database.db)

  test('refuses payouts that together exceed the sum insured, a cent less is made', async () => {
    const { policyId } = await makePaid()
    await expect(insert(policyId, 1, 12_001)).rejects.toThrow('do not fit the sum insured')
    await insert(policyId, 1, 12_000)
    await sql`delete from payout where policy_id = ${policyId}::uuid and revision = 1`.execute(
      database.db,
    )
  })

  test('refuses them when two are made at once', async () => {
    const { policyId } = await makePaid()
    const ends = await Promise.allSettled([insert(policyId, 1, 7_000), insert(policyId, 2, 7_000)])
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await sql`delete from payout where policy_id = ${policyId}::uuid and revision > 0`.execute(
      database.db,
    )
  })

  test('refuses another currency than the policy’s', async () => {
    const { policyId } = await makePaid()
    await expect(insert(policyId, 1, 1, 'EUR')).rejects.toThrow('do not fit the sum insured')
  })
})
