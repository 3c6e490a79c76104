/** The API's doors to payouts and to what the rail tells, built from the parts of the process. */
import { readStripeWebhook } from '../adapters/payments/stripe-events.ts'
import { createPaymentEventStore } from '../db/stores/payment-event-store.ts'
import { createPayeeStore } from '../db/stores/payee-store.ts'
import { createPayoutControlStore } from '../db/stores/payout-control-store.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import { approvePayouts } from '../operations/approve-payouts.ts'
import { correctPayee } from '../operations/correct-payee.ts'
import { controlPayouts, readPayoutControls } from '../operations/control-payouts.ts'
import { receivePaymentEvent } from '../operations/payment-events.ts'
import { startJob } from '../platform/temporal/job-starter.ts'
import type { PayoutActionDeps } from './rest/payout-actions.ts'
import type { PayoutControlDeps } from './rest/payout-controls.ts'
import type { StripeWebhookDeps } from './rest/stripe-webhooks.ts'
import type { ApiParts } from './parts.ts'

/** What the routes of the kill switch need. */
export function payoutControlsOf({ db, clock }: ApiParts): PayoutControlDeps['payoutControls'] {
  const deps = { payoutControls: createPayoutControlStore(db), clock }
  return {
    read: () => readPayoutControls(deps),
    change: (change) => controlPayouts(deps, change),
  }
}

/** What the routes of approvals and payees need. */
export function payoutActionsOf({ db, clock }: ApiParts): PayoutActionDeps['payoutActions'] {
  const payoutStore = createPayoutStore(db)
  const payeeStore = createPayeeStore(db)
  return {
    async approve({ payoutId, by, ...request }) {
      const approval = { payoutIds: [payoutId], approvedBy: by, leavesBatch: true, ...request }
      const outcome = await approvePayouts({ payoutStore, clock }, approval)
      const { approved, heldPayoutIds, awaitingSecond = 0 } = outcome
      return { approved, held: heldPayoutIds.length, awaitingSecond }
    },
    correctPayee: (correction) => correctPayee({ payeeStore, clock }, correction),
  }
}

/** What the routes of webhooks need. */
export function stripeWebhooksOf(parts: ApiParts): StripeWebhookDeps['stripeWebhooks'] {
  const { config, client, db } = parts
  const secrets = parts.secrets.stripeWebhookSecrets
  if (secrets === null) return null
  const eventStore = createPaymentEventStore(db)
  const { jobTerms: terms } = config
  const start = { job: 'payment-events', input: {}, trigger: 'api' } as const
  return {
    read: (input) => readStripeWebhook(input, { secrets }),
    keep: (event) => receivePaymentEvent({ eventStore }, 'stripe', event),
    start: async () => void (await startJob({ client, terms }, start)),
  }
}
