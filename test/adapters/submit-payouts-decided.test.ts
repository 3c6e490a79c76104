import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { approvePayouts } from '../../operations/approve-payouts.ts'
import { batchPayouts } from '../../operations/batch-payouts.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { B6_35, rowOf } from '../support/builders.ts'
import { createPayoutStores, startPaymentRig } from '../support/payment-rig.ts'
import { after, arrived, book } from '../support/watched-book.ts'

test('the book holds at every step from binding to money received', async () => {
  const rows = [
    rowOf(B6_35, 'P1', { sum_insured: '250.01' }),
    rowOf(B6_35, 'P2', { product: 'FD180' }),
    rowOf(B6_35, 'P3', { sum_insured: '99.99' }),
  ]
  await using it = await book(rows)
  await using rig = await startPaymentRig(it.clock)
  const stores = createPayoutStores(it.db)
  const deps = { ...stores, payments: rig.payments, clock: it.clock }
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })

  await it.settle(arrived(90), after(90))
  expect(await it.decide()).toMatchObject({ policiesPaid: 2, policiesNotPaid: 1 })
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })

  const { batchIds } = await batchPayouts(deps)
  expect(batchIds).toHaveLength(1)
  for (const batchId of batchIds) {
    await approvePayouts(deps, { batchId })
    const standing = await submitPayouts(deps, { batchId })
    expect(standing).toEqual({ settled: 2, rejectedPayoutIds: [], unknownPayoutIds: [] })
  }
  expect(await verifyBooks(stores)).toEqual({ breaks: [] })
  const paid = await sql`
    select o.policy_number, o.state, p.amount_minor, p.transfer_id
    from policy o left join payout p on p.policy_id = o.id
    order by o.policy_number`.execute(it.db)
  expect(paid.rows).toMatchObject([
    { policy_number: 'P1', state: 'PAID', amount_minor: 7_500 },
    { policy_number: 'P2', amount_minor: null },
    { policy_number: 'P3', state: 'PAID', amount_minor: 3_000 },
  ])
  const moved = rig.book.transfers.map((transfer) => transfer.amount)
  expect(moved.toSorted((a, b) => a - b)).toEqual([3_000, 7_500])
})
