/** What rails tell about payments of their own accord, and where it is kept until it is applied. */
import type { PayoutState } from '../payout.ts'
import type { Instant } from '../time.ts'
import type { AttemptKey } from './payout-store.ts'

/** What an event is about decides which rail is asked about it. */
export const PAYMENT_EVENT_TYPES = [
  'transfer.created',
  'transfer.updated',
  'transfer.reversed',
  'payout.created',
  'payout.updated',
  'payout.paid',
  'payout.failed',
  'payout.canceled',
] as const

export type PaymentEventType = (typeof PAYMENT_EVENT_TYPES)[number]

/** An event as the rail tells it. Only its object's id is believed; the object is looked up. */
export type PaymentEvent = {
  readonly eventId: string
  readonly type: PaymentEventType
  readonly objectId: string
  /** The connected account that the object belongs to; null for the platform's own. */
  readonly account: string | null
  readonly occurredAt: Instant
  /** As it came, byte for byte. */
  readonly payload: string
}

/** Events that the rail keeps, for what nobody told us. */
export interface PaymentEventSource {
  /** Who tells: `stripe`. */
  readonly id: string
  /** A page of events that bring news, since `createdAfter`. Throws PaymentLookupError (retryable). */
  listEvents(
    createdAfter: Instant,
    cursor: string | null,
    signal?: AbortSignal,
  ): Promise<{ readonly events: readonly PaymentEvent[]; readonly next: string | null }>
}

/** What became of an event. waits: not known yet, it is looked at again. */
export type PaymentEventOutcome =
  | 'confirmed'
  | 'returned'
  | 'partly-returned'
  | 'unchanged'
  | 'unrelated'

/** An accepted payment that is due to be looked up. */
export type PaymentToCheck = AttemptKey & {
  readonly provider: string
  readonly transferId: string
  readonly payeeRef: string
  readonly state: PayoutState
  readonly acceptedAt: Instant
}

/** Events raw and once, and which payments are to be looked up. */
export interface PaymentEventStore {
  /** Keeps events that are not kept yet; returns how many were new. Safe to repeat. */
  save(
    source: string,
    events: readonly PaymentEvent[],
    channel: 'webhook' | 'list',
  ): Promise<number>
  /** Events that were not applied, the oldest first, after the place given. */
  listOpen(
    after: PaymentEventPlace | null,
    limit: number,
  ): Promise<readonly (Omit<PaymentEvent, 'payload'> & { readonly source: string })[]>
  /** Closes an event. Closing it again changes nothing. */
  close(
    event: { readonly source: string; readonly eventId: string },
    outcome: PaymentEventOutcome,
    at: Instant,
  ): Promise<void>
  /** How far the source's list was read; null before the first time. */
  readPosition(source: string): Promise<Instant | null>
  /** Only goes forward. */
  savePosition(source: string, position: Instant): Promise<void>
  /** Accepted payments whose time to be looked up has come, the most overdue first. */
  listDueChecks(now: Instant, limit: number): Promise<readonly PaymentToCheck[]>
  /** When the payment is looked up next; null: never. */
  planCheck(attempt: AttemptKey, next: Instant | null): Promise<void>
  /** State of the payout now. */
  readState(payoutId: string): Promise<PayoutState | null>
}

/** Where a page of open events ended. */
export type PaymentEventPlace = { readonly occurredAt: Instant; readonly eventId: string }
