/** The payment rails of a worker, and the activities of the jobs that use them. */
import { createPaymentEventsActivities } from '../activities/payment-events.ts'
import { createPayoutActivities } from '../activities/payout.ts'
import { createReconciliationActivities } from '../activities/reconciliation.ts'
import { createStripeEvents } from '../adapters/payments/stripe-events.ts'
import { createStripePayments, createStripePayouts } from '../adapters/payments/stripe.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createPaymentEventStore } from '../db/stores/payment-event-store.ts'
import { createPaymentFactStore } from '../db/stores/payment-fact-store.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import { createReconciliationStore } from '../db/stores/reconciliation-store.ts'
import { createReviewStore } from '../db/stores/review-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { PaymentEventSource } from '../domain/ports/payment-events.ts'
import type { ListedPaymentProvider, PaymentProvider } from '../domain/ports/payment-provider.ts'
import type { Events } from '../platform/events.ts'
import { observePayments, observeRail } from '../platform/observed-providers.ts'
import type { ProviderReports } from '../platform/provider-reports.ts'
import type { ActivitiesByJob } from './queues.ts'

/** Both ways of paying over one account. */
export type Rails = AsyncDisposable & {
  readonly transfers: ListedPaymentProvider
  readonly events: PaymentEventSource
  readonly all: readonly PaymentProvider[]
  /** Takes new attempts. */
  readonly chosen: PaymentProvider
  /** Finish the attempts that were opened on them. */
  readonly others: readonly PaymentProvider[]
}

/** Connects lazily; calls are counted and breakers reported. */
export function openRails({ stripe }: Config, apiKey: string, reports: ProviderReports): Rails {
  const stack = new AsyncDisposableStack()
  const options = { baseUrl: stripe.url, apiKey, concurrency: stripe.concurrency }
  const byTransfer = stack.use(createStripePayments(options))
  const byPayout = stack.use(createStripePayouts(options))
  const events = stack.use(createStripeEvents(options))
  for (const { id: provider, breakerState, openConnections } of [byTransfer, byPayout]) {
    reports.add({ provider, breakerState, openConnections })
  }
  const transfers = observePayments(byTransfer, reports)
  const payouts = observeRail(byPayout, reports)
  const isByPayout = stripe.payoutMethod === 'payout'
  return {
    transfers,
    events,
    all: [transfers, payouts],
    chosen: isByPayout ? payouts : transfers,
    others: isByPayout ? [transfers] : [payouts],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** The activities of `payout`, `reconciliation` and `payment-events`. */
export function createPaymentActivities(deps: {
  readonly db: Database
  readonly clock: Clock
  readonly clockSpeed: () => Promise<number>
  readonly events: Events
  readonly rails: Rails
}): Pick<ActivitiesByJob, 'payout' | 'reconciliation' | 'payment-events'> {
  const { db, clock, clockSpeed, events, rails } = deps
  const reviewStore = createReviewStore(db)
  return {
    payout: createPayoutActivities({
      clock,
      payments: rails.chosen,
      otherRails: rails.others,
      payoutStore: createPayoutStore(db),
      reviewStore,
      clockSpeed,
      events,
    }),
    reconciliation: createReconciliationActivities({
      clock,
      payments: rails.transfers,
      reconciliationStore: createReconciliationStore(db),
    }),
    'payment-events': createPaymentEventsActivities({
      clock,
      rails: rails.all,
      eventSource: rails.events,
      eventStore: createPaymentEventStore(db),
      paymentFacts: createPaymentFactStore(db),
      reviewStore,
    }),
  }
}
