import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { RAIL_PROBE_MS } from '../../domain/payout-controls.ts'
import type { PaymentProvider } from '../../domain/ports/payment-provider.ts'
import { DAY_MS } from '../../domain/time.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { cancelPayouts } from '../../operations/cancel-payouts.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock, startPaymentRig } from '../support/payment-rig.ts'

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
afterEach(async () => {
  rig.faults.set({ faults: {} })
  await sql`delete from rail_hold`.execute(database.db)
  await sql`delete from review_case`.execute(database.db)
})

function deps() {
  return { ...stores, payments: rig.payments, clock }
}

async function makeApproved(size: number, currency = 'USD'): Promise<string[]> {
  books += 1
  const book = { size, prefix: `R${books}X`, currency }
  const payoutIds = await makePayoutBook(database.db, book)
  await approvePayouts(deps(), { payoutIds })
  return payoutIds
}

function submit(payoutIds: readonly string[]) {
  return submitPayouts(deps(), { payoutIds })
}

async function attemptsOf(payoutIds: readonly string[]): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from payout_attempt where payout_id = any(${payoutIds}::uuid[])`.execute(
    database.db,
  )
  return rows[0]?.n ?? 0
}

async function casesOf(): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', reason_code, details ->> 'provider', details ->> 'day') as line
    from review_case order by opened_at`.execute(database.db)
  return rows.map((row) => row.line)
}

function transfersOf(payoutIds: readonly string[]): number[] {
  return payoutIds.map((payoutId) => rig.book.byGroup(payoutId).length)
}

const runDry = (): void => rig.faults.set({ faults: { insufficientFunds: {} } })

describe('a rail without balance', () => {
  test('holds payouts, and pays each once when it has balance again', async () => {
    const payoutIds = await makeApproved(20)
    runDry()
    expect(await submit(payoutIds)).toEqual({
      settled: 0,
      rejectedPayoutIds: [],
      unknownPayoutIds: payoutIds.toSorted(),
      heldPayoutIds: payoutIds.toSorted(),
    })
    const { rows } = await sql`
      select distinct p.state, o.state as policy, a.outcome, a.code
      from payout p
      join policy o on o.id = p.policy_id
      join payout_attempt a on a.payout_id = p.id
      where p.id = any(${payoutIds}::uuid[])`.execute(database.db)
    expect(rows).toEqual([
      {
        state: 'APPROVED',
        policy: 'TRIGGERED',
        outcome: 'DEFINITE_FAIL',
        code: 'balance_insufficient',
      },
    ])
    expect(await verifyBooks(stores)).toEqual({ breaks: [] })
    rig.faults.set({ faults: {} })
    clock.advance(RAIL_PROBE_MS)
    expect((await submit(payoutIds)).settled).toBe(1)
    expect(await submit(payoutIds)).toMatchObject({ settled: 20, unknownPayoutIds: [] })
    expect(transfersOf(payoutIds)).toEqual(Array(20).fill(1))
    expect(await verifyBooks(stores)).toEqual({ breaks: [] })
  })

  test('opens one case a day, not one a payout', async () => {
    const payoutIds = [...(await makeApproved(5)), ...(await makeApproved(5, 'JPY'))]
    runDry()
    await submit(payoutIds)
    const day = (await clock.now()).slice(0, 10)
    expect(await casesOf()).toEqual([`RAIL_BALANCE_EXHAUSTED stripe ${day}`])
    clock.advance(RAIL_PROBE_MS)
    await submit(payoutIds)
    expect(await casesOf()).toHaveLength(1)
    clock.advance(DAY_MS)
    await submit(payoutIds)
    expect(await casesOf()).toHaveLength(2)
  })

  test('is not asked a moment before it is time, then by one payout', async () => {
    const payoutIds = await makeApproved(5)
    runDry()
    await submit(payoutIds)
    clock.advance(RAIL_PROBE_MS - 1)
    await submit(payoutIds)
    expect(await attemptsOf(payoutIds)).toBe(5)
    clock.advance(1)
    await submit(payoutIds)
    await submit(payoutIds)
    expect(await attemptsOf(payoutIds)).toBe(6)
  })

  test('is asked by one payout of all batches at once', async () => {
    const batches = [await makeApproved(3), await makeApproved(3), await makeApproved(3)]
    runDry()
    await submit(batches[0] ?? [])
    clock.advance(RAIL_PROBE_MS)
    await Promise.all(batches.map(submit))
    expect(await attemptsOf(batches.flat())).toBe(4)
  })

  test('keeps no other currency from being paid', async () => {
    const dollars = await makeApproved(2)
    const yen = await makeApproved(2, 'JPY')
    runDry()
    await submit(dollars)
    rig.faults.set({ faults: {} })
    expect(await submit([...dollars, ...yen])).toMatchObject({
      settled: 2,
      heldPayoutIds: dollars.toSorted(),
    })
  })

  test('is not taken to have balance by a transfer sent before it ran dry', async () => {
    const payoutIds = await makeApproved(4)
    runDry()
    const payments: PaymentProvider = {
      ...rig.payments,
      createTransfer: async (request) => {
        const outcome = await rig.payments.createTransfer(request)
        rig.faults.set({ faults: {} })
        return outcome
      },
    }
    const inTurn = { concurrency: 1, flushSize: 1 }
    const standing = await submitPayouts({ ...deps(), payments }, { payoutIds }, inTurn)
    expect(standing).toMatchObject({ settled: 3, heldPayoutIds: [payoutIds.toSorted()[0]] })
    await submit(payoutIds)
    expect(await attemptsOf(payoutIds)).toBe(4)
  })

  test('lets what it holds be cancelled', async () => {
    const payoutIds = await makeApproved(2)
    runDry()
    await submit(payoutIds)
    const note = { by: 'user:ana', reason: 'duplicate book' }
    expect(await cancelPayouts(deps(), { payoutIds, ...note })).toMatchObject({ cancelled: 2 })
    expect(await verifyBooks(stores)).toEqual({ breaks: [] })
  })
})
