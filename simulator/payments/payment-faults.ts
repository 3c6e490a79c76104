/** The payment server's fault switches; the subject of each is the idempotency key or destination. */
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
] as const

export type PaymentFault = (typeof PAYMENT_FAULTS)[number]
export type PaymentFaultPlan = FaultPlan<PaymentFault>

/** No fault set. */
export function createPaymentFaults(seed: number): PaymentFaultPlan {
  return createFaultPlan(PAYMENT_FAULTS, seed)
}
