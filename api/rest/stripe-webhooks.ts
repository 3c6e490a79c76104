/**
 * Stripe's webhooks. Open to everybody, because the signature over the raw body is the authentication.
 * An event is kept and answered; applying it is a run's work, which looks its object up.
 */
import express, { type Express } from 'express'
import { z } from 'zod'

import type { PaymentEvent } from '../../domain/ports/payment-events.ts'
import { ProblemError } from '../problem.ts'
import { requestLogger } from '../request-context.ts'
import { addRoute, type Contracts } from '../routes.ts'
import { objectShape } from '../shapes.ts'

/** What the route needs; null when no secret is set: then there is no such path. */
export type StripeWebhookDeps = {
  readonly stripeWebhooks: {
    /** Null for types that say nothing of payments. Throws WebhookSignatureError. */
    readonly read: (input: {
      readonly body: Buffer
      readonly signature: string | undefined
    }) => PaymentEvent | null
    /** Keeps the event; false when it was kept before. */
    readonly keep: (event: PaymentEvent) => Promise<boolean>
    /** Starts what applies it. */
    readonly start: () => Promise<void>
  } | null
}

/** Stripe's events are some kilobytes. */
const EVENT_LIMIT_BYTES = 262_144

const RECEIVE: Contracts = {
  post: {
    summary: "Stripe's events, signed over the raw body",
    permission: 'open',
    body: objectShape,
    answers: { 200: z.strictObject({ received: z.boolean(), new: z.boolean() }) },
  },
}

/** `POST /api/webhooks/stripe` -> `{received, new}`; 400 when the signature is not right. */
export function addStripeWebhookRoute(app: Express, { stripeWebhooks }: StripeWebhookDeps): void {
  if (stripeWebhooks === null) return
  addRoute(
    app,
    '/api/webhooks/stripe',
    {
      post: [
        express.raw({ type: () => true, limit: EVENT_LIMIT_BYTES }),
        async (request, response) => {
          const body: unknown = request.body
          const event = readOrRefuse(() =>
            stripeWebhooks.read({
              body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
              signature: request.get('stripe-signature'),
            }),
          )
          const isNew = event !== null && (await stripeWebhooks.keep(event))
          if (isNew) {
            await stripeWebhooks.start().catch((error: unknown) => {
              // It is kept: the next scheduled run applies it.
              requestLogger(response).logger.warn({ error }, 'webhook-run-not-started')
            })
          }
          response.json({ received: event !== null, new: isNew })
        },
      ],
    },
    RECEIVE,
  )
}

function readOrRefuse<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WebhookSignatureError') throw error
    throw new ProblemError(400, 'invalid-request', error.message, { cause: error })
  }
}
