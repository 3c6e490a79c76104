/**
 * Tells the payment server's events to an address, signed as the real service signs them. At least once
 * while it runs: after a restart it goes on with what happens then, and the rest is in `GET /v1/events`.
 */
import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import { toMs } from '../../domain/time.ts'
import { renderEventOf } from './event-object.ts'
import type { PaymentDeps } from './payment-server.ts'
import { eventId, type RailEvent } from './rail-events.ts'

/** Where events go. */
export type WebhookOptions = {
  readonly url: string
  /** `whsec_...`: signs every event. */
  readonly secret: string
  /** Types that are told; others only stand in the list. */
  readonly types: readonly string[]
}

/** What brings news to whoever made the payment itself. */
export const DEFAULT_WEBHOOK_TYPES: readonly string[] = [
  'transfer.reversed',
  'payout.paid',
  'payout.failed',
  'payout.canceled',
]

/** How often the clock is looked at for what has become due; wall time. */
const LOOK_EVERY_MS = 200
/** A receiver that is away for longer misses the event: half a minute in all. */
const TRIES = 6
const FIRST_RETRY_MS = 500
const ANSWER_WITHIN_MS = 5_000

/** Starts telling what happens from now on. Disposing ends it, an event under way included. */
export function startWebhooks(deps: PaymentDeps, options: WebhookOptions): AsyncDisposable {
  const stop = new AbortController()
  const running = tellAll(deps, options, stop.signal)
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

async function tellAll(
  deps: PaymentDeps,
  options: WebhookOptions,
  signal: AbortSignal,
): Promise<void> {
  let told: number | null = null
  while (!signal.aborted) {
    const happened = await events(deps)
    // What an earlier process did is not told again.
    told ??= happened.length
    const fresh = happened.slice(told)
    told = happened.length
    const wanted = fresh.filter(({ type }) => options.types.includes(type))
    for (const event of inDisorder(deps, wanted)) await tell(deps, options, event, signal)
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined) // stopped
  }
}

/** A clock that cannot be read now is read again; nothing is lost meanwhile. */
async function events({ book, clock }: PaymentDeps): Promise<readonly RailEvent[]> {
  // The clock is another process's: it is not asked for nothing.
  const now = book.hasPlanned() ? await clock.now().catch(() => null) : null
  return book.events(now === null ? 0 : Math.floor(toMs(now) / 1_000))
}

/** The faults of webhooks: some are lost, some come twice, some after the one that follows them. */
function inDisorder({ faults }: PaymentDeps, wanted: readonly RailEvent[]): RailEvent[] {
  const order: RailEvent[] = []
  let late: RailEvent | null = null
  for (const event of wanted) {
    const subject = `${event.type}|${event.objectId}`
    if (faults.hits('webhookLost', subject) !== null) continue
    const times = faults.hits('webhookTwice', subject) === null ? [event] : [event, event]
    if (late === null && faults.hits('webhookLate', subject) !== null) {
      late = event
      continue
    }
    order.push(...times)
    if (late !== null) order.push(late)
    late = null
  }
  return late === null ? order : [...order, late]
}

async function tell(
  deps: PaymentDeps,
  { url, secret }: WebhookOptions,
  event: RailEvent,
  signal: AbortSignal,
): Promise<void> {
  const body = renderEventOf(deps.book, event)
  for (let tried = 0; tried < TRIES && !signal.aborted; tried += 1) {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        // Signatures age in wall time, whatever the virtual clock says.
        'stripe-signature': signatureOf(body, secret, Math.floor(Date.now() / 1_000)),
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    }).catch(() => null)
    await response?.body?.cancel()
    if (response?.ok === true) return
    await sleep(FIRST_RETRY_MS * 2 ** tried, undefined, { signal }).catch(() => undefined) // stopped
  }
  if (!signal.aborted) process.stderr.write(`simulator: webhook ${eventId(event)} was not taken\n`)
}

/** The header `Stripe-Signature` over a body: HMAC-SHA-256 of time and body, scheme v1. */
export function signatureOf(body: string, secret: string, atS: number): string {
  const signature = createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex')
  return `t=${atS},v1=${signature}`
}
