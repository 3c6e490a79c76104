/** Stripe's events: those it keeps, listed, and those it pushes, checked by their signature. */
import Stripe from 'stripe'

import {
  PAYMENT_EVENT_TYPES,
  type PaymentEvent,
  type PaymentEventSource,
  type PaymentEventType,
} from '../../domain/ports/payment-events.ts'
import { instantFromMs, toMs } from '../../domain/time.ts'
import {
  hasMore,
  lookUpPage,
  openStripe,
  PAGE_LIMIT,
  STRIPE_SECOND_MS,
  type StripeOptions,
} from './stripe-client.ts'

/** Signatures older than this, in wall time, are somebody's replay. */
export const SIGNATURE_TOLERANCE_S = 300

/** What the list is asked for. Acceptance is known to whoever sent the payment. */
const NEWS: PaymentEventType[] = [
  'transfer.reversed',
  'payout.paid',
  'payout.failed',
  'payout.canceled',
]

/** The signature is not right, too old, or missing: the body is not Stripe's. Never retried. */
export class WebhookSignatureError extends Error {
  override readonly name = 'WebhookSignatureError'
  readonly code = 'WEBHOOK_SIGNATURE'
}

/** The events of the platform's own account; those of connected accounts are only pushed. */
export function createStripeEvents(options: StripeOptions): PaymentEventSource & AsyncDisposable {
  const { stripe, [Symbol.asyncDispose]: dispose } = openStripe(options)
  return {
    id: 'stripe',
    async listEvents(createdAfter, cursor, signal) {
      signal?.throwIfAborted()
      const created = { gte: Math.floor(toMs(createdAfter) / STRIPE_SECOND_MS) }
      const from = cursor === null ? {} : { starting_after: cursor }
      const answer = await lookUpPage(
        () => stripe.events.list({ types: NEWS, created, limit: PAGE_LIMIT, ...from }),
        'events',
      )
      const next = hasMore(answer) ? (answer.data.at(-1)?.id ?? null) : null
      const events = answer.data.map((event) => toPaymentEvent(event, JSON.stringify(event)))
      return { events: events.filter((event) => event !== null), next }
    },
    [Symbol.asyncDispose]: dispose,
  }
}

/**
 * The event of a pushed body, its signature checked by the official library against each secret; null
 * when it is of a type that says nothing about payments. `body` is the raw text as it came. Throws
 * WebhookSignatureError when it is signed with none of them.
 */
export function readStripeWebhook(
  input: { readonly body: Buffer; readonly signature: string | undefined },
  options: { readonly secrets: readonly string[]; readonly toleranceS?: number },
): PaymentEvent | null {
  const { secrets, toleranceS = SIGNATURE_TOLERANCE_S } = options
  const { body, signature = '' } = input
  let cause: unknown
  for (const secret of secrets) {
    try {
      const event = Stripe.webhooks.constructEvent(body, signature, secret, toleranceS)
      return toPaymentEvent(event, body.toString('utf8'))
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error
      cause = error
    }
  }
  throw new WebhookSignatureError('the signature is not that of this body', { cause })
}

/** Comes from outside, whatever the SDK's types say. */
function toPaymentEvent(event: Stripe.Event, payload: string): PaymentEvent | null {
  const type = PAYMENT_EVENT_TYPES.find((known) => known === event.type)
  const object: unknown = event.data?.object
  if (type === undefined || typeof object !== 'object' || object === null) return null
  const objectId: unknown = Reflect.get(object, 'id')
  if (typeof event.id !== 'string' || typeof objectId !== 'string') return null
  return {
    eventId: event.id,
    type,
    objectId,
    account: event.account ?? null,
    occurredAt: instantFromMs(event.created * STRIPE_SECOND_MS),
    payload,
  }
}
