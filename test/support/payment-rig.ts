/** What a payout test needs: a database, the local payment server over HTTP, the stores, a clock set by hand. */
import { createStripeEvents } from '../../adapters/payments/stripe-events.ts'
import { createStripePayments, createStripePayouts } from '../../adapters/payments/stripe.ts'
import type { Database } from '../../db/client.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createPayoutStore } from '../../db/stores/payout-store.ts'
import { createReviewStore } from '../../db/stores/review-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import { addMs } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'
import { createBook } from '../../simulator/payments/book.ts'
import { createMemoryLog } from '../../simulator/payments/money-log.ts'
import { createPaymentFaults } from '../../simulator/payments/payment-faults.ts'
import { startPaymentServer } from '../../simulator/payments/payment-server.ts'
import { DECIDED_AT } from './payout-book.ts'

/** A clock that stands still until it is moved. */
export class HandClock implements Clock {
  #now: Instant

  constructor(now: Instant = DECIDED_AT) {
    this.#now = now
  }

  async now(): Promise<Instant> {
    return this.#now
  }

  /** Moves the clock on. */
  advance(ms: number): void {
    this.#now = addMs(this.#now, ms)
  }
}

/** The stores over a database. */
export function createPayoutStores(db: Database) {
  return {
    payoutStore: createPayoutStore(db),
    ledgerStore: createLedgerStore(db),
    reviewStore: createReviewStore(db),
    settingStore: createSettingStore(db),
  }
}

/** A payment server of its own, the product's adapter to it, and its record of the money moved. */
export async function startPaymentRig(clock: Clock = new HandClock(), timeoutMs = 10_000) {
  const book = createBook()
  const log = createMemoryLog()
  const faults = createPaymentFaults(1)
  const server = await startPaymentServer(
    { book, log, clock, faults },
    { host: '127.0.0.1', port: 0 },
  )
  const options = {
    apiKey: 'sk_test_rig',
    baseUrl: server.url,
    circuit: { failureShare: 0.99, windowCalls: 100_000, minimumCalls: 100_000, openMs: 1 },
    timeoutMs,
  }
  const payments = createStripePayments(options)
  const payouts = createStripePayouts(options)
  const events = createStripeEvents(options)
  return {
    book,
    faults,
    /** Transfers. */
    payments,
    /** Payouts of connected accounts. */
    payouts,
    events,
    url: server.url,
    async [Symbol.asyncDispose]() {
      for (const part of [payments, payouts, events]) await part[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
