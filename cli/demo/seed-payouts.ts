/**
 * Pays what a seeded day owes over the local payment rail, and takes in what came back: the product's own
 * steps, one after the other, without runs.
 */
import type { Clock } from '../../domain/ports/clock.ts'
import {
  applyPaymentEvents,
  listMissedEvents,
  type EventDeps,
} from '../../operations/payment-events.ts'
import type { PaymentEventPlace, PaymentEventSource } from '../../domain/ports/payment-events.ts'
import type { PaymentProvider } from '../../domain/ports/payment-provider.ts'
import type { PayoutStore } from '../../domain/ports/payout-store.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { batchPayouts } from '../../operations/batch-payouts.ts'
import { markBatchesStarted } from '../../operations/mark-batches-started.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'

/** What paying works over. */
export type SeedPayoutDeps = EventDeps & {
  readonly payoutStore: PayoutStore
  readonly payments: PaymentProvider
  readonly eventSource: PaymentEventSource
  /** Returned payouts that nobody has sent again. */
  readonly listReturned: (limit: number) => Promise<string[]>
  readonly clock: Clock
}

/** What one page of the rail's news applies. */
const EVENTS_PER_PAGE = 500
/** More come back on no day. */
const RETURNED_AT_MOST = 10_000
/** Three of four are sent again, by their ids; the others wait for somebody. */
const SENT_AGAIN = /[0-9ab]$/

const CLAIMS = 'user:seed-claims'

/** Batches, approves and sends everything that is owed. */
export async function payOwed(deps: SeedPayoutDeps): Promise<void> {
  const { batchIds } = await batchPayouts(deps)
  for (const batchId of batchIds) {
    await approvePayouts(deps, { batchId })
    await submitPayouts(deps, { batchId })
  }
  await markBatchesStarted(deps, { batchIds })
}

/** Hears what came back, and has most of it approved again: `payOwed` sends it. */
export async function takeReturned(deps: SeedPayoutDeps): Promise<void> {
  const { missed } = await listMissedEvents(deps)
  if (missed === 0) return
  let after: PaymentEventPlace | null = null
  do {
    const applied = await applyPaymentEvents(deps, { after, limit: EVENTS_PER_PAGE })
    after = applied.next
  } while (after !== null)
  const returned = await deps.listReturned(RETURNED_AT_MOST)
  const payoutIds = returned.filter((payoutId) => SENT_AGAIN.test(payoutId))
  if (payoutIds.length === 0) return
  await approvePayouts(deps, {
    payoutIds,
    approvedBy: CLAIMS,
    reason: 'the holder gave another account',
    requestId: `seed-${payoutIds[0]}`,
    leavesBatch: true,
  })
}
