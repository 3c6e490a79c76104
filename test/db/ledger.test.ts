import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { failPosting, ledgerRef, paidPosting, submitPosting } from '../../domain/ledger.ts'
import type { LedgerTransaction } from '../../domain/ledger.ts'
import { currency, minorUnits } from '../../domain/money.ts'
import type { Instant } from '../../domain/time.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
const clock = new HandClock()

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())

/** One payout with an open attempt. */
async function makeSubmitted(prefix: string): Promise<{ payoutId: string; policyId: string }> {
  const [payoutId = ''] = await makePayoutBook(database.db, { size: 1, prefix })
  await approvePayouts({ ...stores, clock }, { payoutIds: [payoutId] })
  const attempt = { provider: 'stripe', at: await clock.now() }
  await stores.payoutStore.openAttempts({ payoutIds: [payoutId] }, attempt)
  const { rows } = await sql<{ policy_id: string }>`
    select policy_id from payout where id = ${payoutId}::uuid`.execute(database.db)
  return { payoutId, policyId: rows[0]?.policy_id ?? '' }
}

async function readTransaction(ref: string): Promise<LedgerTransaction> {
  type Row = {
    ref: string
    kind: LedgerTransaction['kind']
    effective_at: Instant
    source: string
    destination: string
    amount_minor: number
    currency: string
  }
  const { rows } = await sql<Row>`
    select t.ref, t.kind, t.effective_at, l.source, l.destination, l.amount_minor, l.currency
    from ledger_transaction t join ledger_posting l on l.transaction_id = t.id
    where t.ref = ${ref} order by l.id`.execute(database.db)
  const [first] = rows
  if (first === undefined) throw new Error(`no transaction ${ref}`)
  const postings = rows.map((row) => ({
    source: row.source,
    destination: row.destination,
    amount: { minor: minorUnits(row.amount_minor), currency: currency(row.currency) },
  }))
  return { ref: first.ref, kind: first.kind, effectiveAt: first.effective_at, postings }
}

describe('the ledger', () => {
  test('says of a paid payout what the domain says', async () => {
    const { payoutId, policyId } = await makeSubmitted('L1X')
    const effectiveAt = await clock.now()
    await stores.payoutStore.recordAccepted([{ payoutId, n: 1, transferId: 'tr_1' }], effectiveAt)
    const amount = { minor: minorUnits(12_000), currency: currency('USD') }
    const facts = { policyId, payoutId, n: 1, provider: 'stripe', amount, effectiveAt }
    expect(await readTransaction(ledgerRef.submit(payoutId, 1))).toEqual(submitPosting(facts))
    expect(await readTransaction(ledgerRef.paid(payoutId, 1))).toEqual(paidPosting(facts))
  })

  test('says of a refused payout what the domain says', async () => {
    const { payoutId, policyId } = await makeSubmitted('L2X')
    const effectiveAt = await clock.now()
    await stores.payoutStore.recordRejected([{ payoutId, n: 1, code: 'no_such' }], effectiveAt)
    const amount = { minor: minorUnits(12_000), currency: currency('USD') }
    const facts = { policyId, payoutId, n: 1, provider: 'stripe', amount, effectiveAt }
    expect(await readTransaction(ledgerRef.fail(payoutId, 1))).toEqual(failPosting(facts))
  })

  test('adds up by kind of account', async () => {
    const totals = await stores.ledgerStore.readTotals()
    const sum = totals.reduce((total, { balanceMinor }) => total + BigInt(balanceMinor), 0n)
    expect(sum).toBe(0n)
    expect(totals.map(({ account }) => account)).toContain('payout:in_flight:stripe')
  })

  test.each([
    ['update', sql`update ledger_posting set amount_minor = amount_minor + 1`],
    ['update', sql`update ledger_transaction set kind = 'correct'`],
    ['delete', sql`delete from ledger_posting`],
    ['delete', sql`delete from ledger_transaction`],
    ['truncate', sql`truncate ledger_posting`],
    ['truncate', sql`truncate ledger_transaction cascade`],
  ])('refuses to %s what was posted', async (operation, statement) => {
    await expect(statement.execute(database.db)).rejects.toThrow(
      `append-only: ${operation} refused`,
    )
  })

  test('refuses a transaction with a reference that is taken', async () => {
    const again = sql`insert into ledger_transaction (id, ref, kind, effective_at)
      select uuid_generate_v4(), ref, kind, effective_at from ledger_transaction limit 1`
    await expect(again.execute(database.db)).rejects.toThrow('ledger_transaction_ref_key')
  })

  test.each([[0], [-1]])('refuses a posting of %d', async (amount) => {
    const posting = sql`insert into ledger_posting
        (transaction_id, source, destination, amount_minor, currency)
      select id, 'a', 'b', ${amount}, 'USD' from ledger_transaction limit 1`
    await expect(posting.execute(database.db)).rejects.toThrow('amount_minor_check')
  })
})
