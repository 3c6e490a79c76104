/**
 * Payouts of connected accounts to their banks, made on their behalf (`Stripe-Account`). Accepted is not
 * arrived: they are pending, in transit, then paid or failed, and may fail within days after they were paid.
 */
import type Stripe from 'stripe'

import { currency, minorUnits } from '../../domain/money.ts'
import type {
  BalanceSearch,
  Transfer,
  TransferGroup,
  TransferOutcome,
  TransferRequest,
  TransferStatus,
} from '../../domain/ports/payment-provider.ts'
import { instantFromMs } from '../../domain/time.ts'
import { findOnBalance } from './stripe-balance.ts'
import { collectPages, lookUp, PAGE_LIMIT, STRIPE_SECOND_MS } from './stripe-client.ts'
import { isAnswerTo } from './stripe-transfers.ts'
import { outcomeOfError, unknown, UNKNOWN_CODES } from './transfer-outcome.ts'

/** Payouts have no transfer group of their own, so it goes with their metadata. */
const GROUP_KEY = 'transfer_group'

/** Sends one payout, without the SDK's stack trace as `sendTransfer` does. */
export async function sendPayout(
  stripe: Stripe,
  request: TransferRequest,
): Promise<TransferOutcome> {
  const { amount, payeeRef, group, idempotencyKey, metadata } = request
  try {
    // Checked by `isAnswerTo`: it comes from outside.
    const answer = (await stripe.rawRequest(
      'POST',
      '/v1/payouts',
      {
        amount: amount.minor,
        currency: amount.currency.toLowerCase(),
        method: 'standard',
        metadata: { ...metadata, [GROUP_KEY]: group },
      },
      { idempotencyKey, stripeAccount: payeeRef },
    )) as Stripe.Response<Stripe.Payout>
    if (!isAnswerTo(request, answer, 'payout')) {
      return unknown(UNKNOWN_CODES.malformed, 'the answer is not the payout that was asked for')
    }
    const isReplay = answer.lastResponse.headers['idempotent-replayed'] === 'true'
    return { kind: 'accepted', transfer: { ...toTransfer(answer, payeeRef), group }, isReplay }
  } catch (error) {
    return outcomeOfError(error)
  }
}

/** All payouts of a group among those of the payee's account, oldest first. */
export async function findPayouts(
  stripe: Stripe,
  { group, payeeRef }: TransferGroup,
  signal: AbortSignal | undefined,
): Promise<Transfer[]> {
  const found = await collectPages(
    (after) => stripe.payouts.list({ limit: PAGE_LIMIT, ...after }, { stripeAccount: payeeRef }),
    {
      what: `payouts of group ${group}`,
      isWanted: (payout) => payout.metadata?.[GROUP_KEY] === group,
      signal,
    },
  )
  return found.map((payout) => toTransfer(payout, payeeRef))
}

/** One payout of the payee's account as it is now. */
export async function findPayout(
  stripe: Stripe,
  { id, payeeRef }: { readonly id: string; readonly payeeRef: string },
): Promise<Transfer | null> {
  const found = await lookUp(
    () => stripe.payouts.retrieve(id, {}, { stripeAccount: payeeRef }),
    `payout ${id}`,
  )
  return found === null ? null : toTransfer(found, payeeRef)
}

/** The payouts of a group on the payee's balance report since a moment; null when there is no report. */
export async function findPayoutsOnBalance(
  stripe: Stripe,
  { group, payeeRef, since }: BalanceSearch,
  signal: AbortSignal | undefined,
): Promise<Transfer[] | null> {
  const isPayout = (source: { readonly object: string }): source is Stripe.Payout =>
    source.object === 'payout'
  const query = { type: 'payout', group, since, account: payeeRef } as const
  const of = (source: { readonly object: string }) =>
    isPayout(source) ? toTransfer(source, payeeRef) : null
  return findOnBalance(stripe, { ...query, toTransfer: of }, signal)
}

/** A status that is not known is on its way: nothing is concluded from it. */
function statusOf(status: string): TransferStatus {
  if (status === 'paid') return 'paid'
  return status === 'failed' || status === 'canceled' ? 'returned' : 'in_transit'
}

function toTransfer(answer: Stripe.Payout, payeeRef: string): Transfer {
  const status = statusOf(answer.status)
  const isReturned = status === 'returned'
  return {
    id: answer.id,
    amount: {
      minor: minorUnits(answer.amount),
      currency: currency(answer.currency.toUpperCase()),
    },
    payeeRef,
    group: answer.metadata?.[GROUP_KEY] ?? null,
    metadata: answer.metadata ?? {},
    createdAt: instantFromMs(answer.created * STRIPE_SECOND_MS),
    status,
    returnedMinor: isReturned ? answer.amount : 0,
    failureCode: isReturned ? (answer.failure_code ?? answer.status) : null,
  }
}
