/** The payment server's fault switches; the subject is `<idempotency key>|<destination>`. */
import { createFaultPlan, type FaultPlan } from '../faults.ts'

export const PAYMENT_FAULTS = [
  /** Moved and stored, then the connection is cut. */
  'lostResponse',
  /** Nothing moved; the 500 is stored and replayed for the key's life. */
  'stored500',
  /** Moved, yet a 500 is answered, stored and replayed. */
  'moved500',
  /** 500 before anything is carried out or stored. */
  '500',
  /** As if another request with the same key were under way. */
  '409',
  /** Too many requests, before the idempotency layer. */
  '429',
  /** The key is not accepted, before the idempotency layer. */
  '401',
  /** The connection is cut before anything is carried out. */
  'reset',
  /** The balance does not cover the transfer; the refusal is stored. */
  'insufficientFunds',
  /** The destination does not exist; not stored. Also for every `acct_invalid...`. */
  'invalidDestination',
  /** Answers after `ms` (default 1,000). */
  'latency',
  /** Never answers; nothing moved. */
  'timeout',
  /** 200 with a page of HTML; the money has moved. */
  'html',
  /** All of it comes back `afterMinutes` after it arrived (default a day): reversed, or paid then failed. */
  'returned',
  /** A payout is never paid: it fails when it should arrive. */
  'payoutFailed',
  /** A webhook is never sent. The subject is `<event type>|<object id>`. */
  'webhookLost',
  /** A webhook is sent twice. */
  'webhookTwice',
  /** A webhook is sent after the one that follows it. */
  'webhookLate',
] as const

export type PaymentFault = (typeof PAYMENT_FAULTS)[number]
export type PaymentFaultPlan = FaultPlan<PaymentFault>

/** No fault set. */
export function createPaymentFaults(seed: number): PaymentFaultPlan {
  return createFaultPlan(PAYMENT_FAULTS, seed)
}
