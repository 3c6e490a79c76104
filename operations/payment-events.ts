/**
 * Events of rails: kept raw and once, whoever brings them, then applied by what the rail says of their
 * object now. So it does not matter whether an event comes late, twice, out of order or not at all.
 */
import { EVENTS_OVERLAP_MS, RETURN_WINDOW_MS } from '../domain/payment-confirmation.ts'
import type {
  PaymentEvent,
  PaymentEventOutcome,
  PaymentEventPlace,
  PaymentEventSource,
  PaymentEventStore,
} from '../domain/ports/payment-events.ts'
import type { PaymentProvider } from '../domain/ports/payment-provider.ts'
import { addMs } from '../domain/time.ts'
import { applyPaymentFact, type PaymentFactDeps } from './apply-payment-fact.ts'

/** What listing events works over. */
export type EventListingDeps = Pick<PaymentFactDeps, 'clock'> & {
  readonly eventStore: PaymentEventStore
  readonly eventSource: PaymentEventSource
}

/** What applying events works over. */
export type EventDeps = PaymentFactDeps & {
  readonly eventStore: PaymentEventStore
  /** Every rail that payments were ever sent to. */
  readonly rails: readonly PaymentProvider[]
}

/** What a page of events came to. */
export type AppliedEvents = {
  readonly outcomes: Readonly<Record<PaymentEventOutcome | 'waits', number>>
  /** Where the next page begins; null at the end. */
  readonly next: PaymentEventPlace | null
}

/** A hundred each: a year of returns. More is another account's key. */
const PAGES_AT_MOST = 1_000

/** Events are told by who made the object: a transfer's by the platform, a payout's by its account. */
const RAIL_OF = { transfer: 'stripe', payout: 'stripe-payout' } as const

/** Keeps an event that was pushed to us; false when it was kept before. */
export async function receivePaymentEvent(
  deps: { readonly eventStore: PaymentEventStore },
  source: string,
  event: PaymentEvent,
): Promise<boolean> {
  return (await deps.eventStore.save(source, [event], 'webhook')) === 1
}

/**
 * Lists the rail's events since the last time, less an overlap, and keeps what nobody told us. Returns
 * how many were new. Throws PaymentLookupError (retryable); what was listed until then is kept.
 */
export async function listMissedEvents(
  deps: EventListingDeps,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (listed: number) => void } = {},
): Promise<{ listed: number; missed: number }> {
  const { eventStore, eventSource, clock } = deps
  const now = await clock.now()
  const position = await eventStore.readPosition(eventSource.id)
  const since = addMs(position ?? now, -(position === null ? RETURN_WINDOW_MS : EVENTS_OVERLAP_MS))
  let cursor: string | null = null
  let listed = 0
  let missed = 0
  for (let page = 0; page < PAGES_AT_MOST; page += 1) {
    const answer = await eventSource.listEvents(since, cursor, options.signal)
    missed += await eventStore.save(eventSource.id, answer.events, 'list')
    listed += answer.events.length
    options.onProgress?.(listed)
    cursor = answer.next
    if (cursor === null) break
  }
  // Only a list that was read to its end says that nothing before `now` is missing.
  if (cursor === null) await eventStore.savePosition(eventSource.id, now)
  return { listed, missed }
}

/**
 * Applies at most `limit` open events, the oldest first. One that waits for the payout's own attempt
 * stays open. Throws PaymentLookupError (retryable) when a rail cannot be asked; those before it are done.
 */
export async function applyPaymentEvents(
  deps: EventDeps,
  input: { readonly after: PaymentEventPlace | null; readonly limit: number },
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<AppliedEvents> {
  const events = await deps.eventStore.listOpen(input.after, input.limit)
  const outcomes = { ...NOTHING_APPLIED }
  let done = 0
  for (const event of events) {
    options.signal?.throwIfAborted()
    const outcome = await applyOne(deps, event, options.signal)
    if (outcome !== 'waits') await deps.eventStore.close(event, outcome, await deps.clock.now())
    outcomes[outcome] += 1
    done += 1
    options.onProgress?.(done)
  }
  const last = events.at(-1)
  const isFull = events.length === input.limit && last !== undefined
  const next = isFull ? { occurredAt: last.occurredAt, eventId: last.eventId } : null
  return { outcomes, next }
}

const NOTHING_APPLIED: Record<PaymentEventOutcome | 'waits', number> = {
  confirmed: 0,
  returned: 0,
  'partly-returned': 0,
  unchanged: 0,
  unrelated: 0,
  waits: 0,
}

async function applyOne(
  deps: EventDeps,
  event: Omit<PaymentEvent, 'payload'>,
  signal: AbortSignal | undefined,
): Promise<PaymentEventOutcome | 'waits'> {
  const kind = event.type.startsWith('payout.') ? 'payout' : 'transfer'
  const rail = deps.rails.find(({ id }) => id === RAIL_OF[kind])
  if (rail === undefined) return 'unrelated'
  const of = { id: event.objectId, payeeRef: event.account ?? '' }
  const transfer = await rail.findById(of, signal)
  return transfer === null ? 'unrelated' : applyPaymentFact(deps, rail.id, transfer)
}
