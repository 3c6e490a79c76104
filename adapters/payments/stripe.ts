/**
 * Payment rails over the Stripe v1 API, through the official SDK: transfers to connected accounts, or
 * payouts made on their behalf. Never retries: the caller decides with the ledger.
 */
import type {
  ListedPaymentProvider,
  PaymentProvider,
  TransferOutcome,
} from '../../domain/ports/payment-provider.ts'
import { createCircuit, DEFAULT_CIRCUIT, type ReportedState } from '../circuit.ts'
import { openStripe, type StripeOptions } from './stripe-client.ts'
import { findPayout, findPayouts, findPayoutsOnBalance, sendPayout } from './stripe-payouts.ts'
import {
  findTransfer,
  findTransfers,
  findTransfersOnBalance,
  listTransfers,
  sendTransfer,
} from './stripe-transfers.ts'
import { unknown, UNKNOWN_CODES } from './transfer-outcome.ts'

export { PaymentLookupError, type StripeOptions } from './stripe-client.ts'

/** The API's own limit on a key. */
const KEY_LENGTH_LIMIT = 255

type Owned = AsyncDisposable & ReportedState

/** Transfers, and what metrics read of them; disposing closes the connections. */
export type StripePayments = ListedPaymentProvider & Owned

/** Payouts of connected accounts. They are listed per account, so not as a whole. */
export type StripePayouts = PaymentProvider & Owned

/** The rail of transfers. Throws TypeError when the base URL is not an http(s) address, or has a query. */
export function createStripePayments(options: StripeOptions): StripePayments {
  const { stripe, openConnections, [Symbol.asyncDispose]: dispose } = openStripe(options)
  const guard = guarded(options)
  return {
    id: 'stripe',
    breakerState: guard.breakerState,
    openConnections,
    createTransfer: (request, signal) =>
      guard.send(request.idempotencyKey, () => sendTransfer(stripe, request), signal),
    findByGroup: (of, signal) => findTransfers(stripe, of, signal),
    findOnBalance: (of, signal) => findTransfersOnBalance(stripe, of, signal),
    async findById({ id }, signal) {
      signal?.throwIfAborted()
      return findTransfer(stripe, id)
    },
    listSince: (createdAfter, cursor, signal) =>
      listTransfers(stripe, createdAfter, cursor, signal),
    [Symbol.asyncDispose]: dispose,
  }
}

/** The rail of payouts. Throws TypeError as `createStripePayments` does. */
export function createStripePayouts(options: StripeOptions): StripePayouts {
  const { stripe, openConnections, [Symbol.asyncDispose]: dispose } = openStripe(options)
  const guard = guarded(options)
  return {
    id: 'stripe-payout',
    breakerState: guard.breakerState,
    openConnections,
    createTransfer: (request, signal) =>
      guard.send(request.idempotencyKey, () => sendPayout(stripe, request), signal),
    findByGroup: (of, signal) => findPayouts(stripe, of, signal),
    findOnBalance: (of, signal) => findPayoutsOnBalance(stripe, of, signal),
    async findById(of, signal) {
      signal?.throwIfAborted()
      return findPayout(stripe, of)
    },
    [Symbol.asyncDispose]: dispose,
  }
}

/** Sends behind a circuit breaker, and keeps the secret out of what is said. */
function guarded(options: StripeOptions) {
  const circuit = createCircuit<TransferOutcome>(isOutage, options.circuit ?? DEFAULT_CIRCUIT)
  const { openMs } = options.circuit ?? DEFAULT_CIRCUIT
  return {
    breakerState: () => circuit.state,
    /**
     * Cancellation is heeded before the request is sent. Money in motion is waited for, at most the
     * time-out, so that its result is stored rather than looked up later.
     */
    async send(
      idempotencyKey: string,
      call: () => Promise<TransferOutcome>,
      signal: AbortSignal | undefined,
    ): Promise<TransferOutcome> {
      signal?.throwIfAborted()
      if (idempotencyKey.length > KEY_LENGTH_LIMIT) {
        throw new RangeError(`idempotency key is longer than ${KEY_LENGTH_LIMIT} characters`)
      }
      const outcome = await circuit.run(call, () =>
        unknown(UNKNOWN_CODES.breakerOpen, 'not sent: too many calls failed', openMs),
      )
      return outcome.kind === 'accepted' ? outcome : withoutSecret(outcome, options.apiKey)
    },
  }
}

/** Failures that say something about the service, not about one transfer. */
function isOutage(outcome: TransferOutcome): boolean {
  const { connection, serverError } = UNKNOWN_CODES
  return outcome.kind === 'unknown' && [connection, serverError].some((c) => c === outcome.code)
}

/** A server may echo the key in its message. */
function withoutSecret<T extends { message: string }>(outcome: T, secret: string): T {
  return { ...outcome, message: outcome.message.replaceAll(secret, '[key]') }
}
