import { PassThrough } from 'node:stream'

import { Command } from 'commander'
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import { describe, expect, test } from 'vitest'

import { register } from '../../cli/commands/verify.ts'
import type { Database } from '../../db/client.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'
import { unguarded } from '../support/unguarded.ts'

const clock = new HandClock()

/** Payouts in every state that the stores can bring them to. */
async function makeBusyBook(db: Database): Promise<string[]> {
  const { payoutStore } = createPayoutStores(db)
  const payoutIds = await makePayoutBook(db, { size: 6 })
  const [created = '', approved = '', ...sent] = payoutIds
  const at = await clock.now()
  await approvePayouts({ payoutStore, clock }, { payoutIds: [approved, ...sent] })
  await payoutStore.openAttempts({ payoutIds: sent }, { provider: 'stripe', at })
  const [open = '', paid = '', failed = '', mismatched = ''] = sent
  await payoutStore.recordUnknown([{ payoutId: open, n: 1, code: 'x', isStorable: false }], at)
  await payoutStore.recordAccepted([{ payoutId: paid, n: 1, transferId: 'tr_1' }], at)
  await payoutStore.recordRejected([{ payoutId: failed, n: 1, code: 'no_such' }], at)
  await payoutStore.recordMismatched(
    [{ payoutId: mismatched, n: 1, transferId: 'tr_2', differences: { amount: ['1', '2'] } }],
    at,
  )
  await makePayoutBook(db, { size: 1, prefix: 'J', currency: 'JPY' })
  const cancellation = { by: 'user:test', reason: 'test', at }
  const [cancelled = ''] = await makePayoutBook(db, { size: 1, prefix: 'K' })
  await payoutStore.cancel({ payoutIds: [cancelled] }, cancellation)
  return [created, approved, ...sent, cancelled]
}

/** Does what no statement of the product could. */
async function plant(db: Database, defect: RawBuilder<unknown>): Promise<void> {
  await unguarded(db, (trx) => defect.execute(trx))
}

const DEFECTS: readonly (readonly [string, string, RawBuilder<unknown>])[] = [
  [
    'payouts above the sum insured',
    'I1',
    sql`update payout set amount_minor = 24001 where state = 'CREATED' and currency = 'USD'`,
  ],
  [
    'a policy that is PAID while its payout is not',
    'I1',
    sql`update policy set state = 'PAID'
      where id = (select policy_id from payout where state = 'APPROVED')`,
  ],
  [
    'a payout in another currency than its policy',
    'I1',
    sql`update payout set currency = 'EUR' where state = 'APPROVED'`,
  ],
  [
    'a policy to be paid without a payout',
    'I4',
    sql`delete from payout where state = 'CREATED' and currency = 'USD'`,
  ],
  [
    'a payout of another amount than decided',
    'I4',
    sql`update payout set amount_minor = 11999 where state = 'PAID'`,
  ],
  [
    'a payout that rests on another evaluation',
    'I4',
    sql`update payout set evaluation_id = groundstop_id('another') where state = 'PAID'`,
  ],
  [
    'a reservation that the ledger does not know',
    'I2',
    sql`update escrow_reservation set reserved_minor = reserved_minor + 1,
        released_minor = released_minor + 1`,
  ],
  [
    'a cached balance that drifted',
    'I3',
    sql`update pool_balance set balance_minor = balance_minor + 1 where currency = 'USD'`,
  ],
  [
    'an account below zero',
    'I3',
    sql`insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
      select id, 'payable:nobody', 'pool:main:available', 1, 'USD' from ledger_transaction limit 1`,
  ],
  [
    'a payout that is sent without an open attempt and without a review',
    'I5',
    sql`update payout_attempt set outcome = 'UNKNOWN', finished_at = now() where outcome = 'OPEN'`,
  ],
  [
    'an open attempt of a payout that is not sent',
    'I5',
    sql`update payout set state = 'FAILED' where id = (
      select payout_id from payout_attempt where outcome = 'OPEN')`,
  ],
  [
    'a payout paid by another transfer than its attempt',
    'I5',
    sql`update payout set transfer_id = 'tr_other' where state = 'PAID'`,
  ],
  [
    'a payout that is PAID without its ledger transaction',
    'LEDGER',
    sql`update payout set state = 'PAID', transfer_id = 'tr_3', paid_at = now()
      where state = 'APPROVED'`,
  ],
  [
    'a policy that expired though its evaluation pays',
    'I6',
    sql`update policy set state = 'EXPIRED', outcome = 'NO_PAY', bps = 0, amount_minor = 0`,
  ],
  [
    'an expired policy with money still set aside',
    'I2',
    sql`with expired as (
        update policy set state = 'EXPIRED', outcome = 'NO_PAY', bps = 0, amount_minor = 0)
      update escrow_reservation set state = 'RESERVED', fulfilled_minor = 0, released_minor = 0`,
  ],
  ['a watched policy without money set aside', 'I2', sql`update policy set state = 'MONITORING'`],
  [
    'a transaction that lost its postings',
    'LEDGER',
    sql`delete from ledger_posting where destination = 'external:holder'`,
  ],
  [
    'money owed to one policy that lies in the account of another',
    'LEDGER',
    sql`update ledger_posting set destination = 'payable:' || (
        select policy_id from payout where state = 'CREATED' and currency = 'USD')
      where destination = 'payable:' || (select policy_id from payout where state = 'APPROVED')`,
  ],
]

describe('verifying the books', () => {
  test('finds nothing in a book with payouts in every state', async () => {
    await using database = await createTestDatabase()
    await makeBusyBook(database.db)
    expect(await verifyBooks(createPayoutStores(database.db))).toEqual({ breaks: [] })
  })

  test('finds nothing in an empty book', async () => {
    await using database = await createTestDatabase()
    expect(await verifyBooks(createPayoutStores(database.db))).toEqual({ breaks: [] })
  })

  test.each(DEFECTS)('finds %s', async (_what, invariant, defect) => {
    await using database = await createTestDatabase({ max: 2 })
    await makeBusyBook(database.db)
    await plant(database.db, defect)
    const { breaks } = await verifyBooks(createPayoutStores(database.db))
    expect(breaks.map((one) => one.invariant)).toContain(invariant)
    for (const { subject, detail } of breaks) {
      expect(subject).toMatch(/^(policy|payout|account|ledger):/)
      expect(detail).not.toBe('')
    }
  })

  test('lists at most as many breaks of a kind as asked for', async () => {
    await using database = await createTestDatabase({ max: 2 })
    await makeBusyBook(database.db)
    await plant(database.db, sql`update policy set state = 'BOUND'`)
    const { breaks } = await verifyBooks(createPayoutStores(database.db), { limit: 2 })
    expect(breaks.filter((one) => one.detail.startsWith('is BOUND with'))).toHaveLength(2)
  })
})

describe('groundstop verify', () => {
  async function run(db: { readonly url: string }): Promise<{ text: string; error: unknown }> {
    const stdout = new PassThrough()
    const program = new Command().exitOverride()
    const { signal } = new AbortController()
    register(program, { env: { DATABASE_URL: db.url }, stdout, stderr: stdout, signal })
    const error: unknown = await program.parseAsync(['verify'], { from: 'user' }).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return { text: String(stdout.read() ?? ''), error }
  }

  test('ends well and says so when the book holds', async () => {
    await using database = await createTestDatabase({ max: 2 })
    await makeBusyBook(database.db)
    const { text, error } = await run(database)
    expect(error).toBeNull()
    expect(text).toContain('the book holds: no breaks')
  })

  test('prints every break and ends with exit code 1', async () => {
    await using database = await createTestDatabase({ max: 2 })
    await makeBusyBook(database.db)
    await plant(database.db, sql`update pool_balance set balance_minor = 7 where currency = 'JPY'`)
    const { text, error } = await run(database)
    expect(error).toMatchObject({ name: 'CliError', exitCode: 1 })
    expect(text).toContain('I3 account:pool:main:available: cached balance is 7')
  })
})
