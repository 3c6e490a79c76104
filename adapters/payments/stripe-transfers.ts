/** Transfers to connected accounts: sent, looked up and listed. Their acceptance is final for Stripe. */
import type Stripe from 'stripe'

import { currency, minorUnits } from '../../domain/money.ts'
import type {
  BalanceSearch,
  Transfer,
  TransferGroup,
  TransferOutcome,
  TransferPage,
  TransferRequest,
} from '../../domain/ports/payment-provider.ts'
import { instantFromMs, toMs, type Instant } from '../../domain/time.ts'
import { findOnBalance } from './stripe-balance.ts'
import {
  collectPages,
  hasMore,
  lookUp,
  lookUpPage,
  PAGE_LIMIT,
  STRIPE_SECOND_MS,
} from './stripe-client.ts'
import { outcomeOfError, unknown, UNKNOWN_CODES } from './transfer-outcome.ts'

/**
 * `rawRequest` is what `transfers.create` does, without the stack trace that the SDK takes on every
 * call for its error messages: 40 of 240 µs.
 */
export async function sendTransfer(
  stripe: Stripe,
  request: TransferRequest,
): Promise<TransferOutcome> {
  try {
    // Checked by `isAnswerTo`: it comes from outside.
    const answer = (await stripe.rawRequest(
      'POST',
      '/v1/transfers',
      {
        amount: request.amount.minor,
        currency: request.amount.currency.toLowerCase(),
        destination: request.payeeRef,
        transfer_group: request.group,
        metadata: { ...request.metadata },
      },
      { idempotencyKey: request.idempotencyKey },
    )) as Stripe.Response<Stripe.Transfer>
    if (!isAnswerTo(request, answer, 'transfer')) {
      return unknown(UNKNOWN_CODES.malformed, 'the answer is not the transfer that was asked for')
    }
    const isReplay = answer.lastResponse.headers['idempotent-replayed'] === 'true'
    // What the rail does not repeat is what it was asked for.
    const group = answer.transfer_group ?? request.group
    return { kind: 'accepted', transfer: { ...toTransfer(answer), group }, isReplay }
  } catch (error) {
    return outcomeOfError(error)
  }
}

/** The answer comes from outside, whatever the SDK's types say. */
export function isAnswerTo(
  request: TransferRequest,
  answer: Partial<Pick<Stripe.Transfer, 'id' | 'amount' | 'currency' | 'created'>> & {
    readonly object?: string
  },
  object: string,
): boolean {
  return (
    typeof answer.id === 'string' &&
    answer.object === object &&
    answer.amount === request.amount.minor &&
    answer.currency?.toUpperCase() === request.amount.currency &&
    typeof answer.created === 'number'
  )
}

/** All transfers of a group, oldest first. */
export async function findTransfers(
  stripe: Stripe,
  { group }: TransferGroup,
  signal: AbortSignal | undefined,
): Promise<Transfer[]> {
  const found = await collectPages(
    (after) => stripe.transfers.list({ transfer_group: group, limit: PAGE_LIMIT, ...after }),
    {
      what: `transfers of group ${group}`,
      isWanted: (transfer) => transfer.transfer_group === group,
      signal,
    },
  )
  return found.map(toTransfer)
}

/** One transfer as it is now. */
export async function findTransfer(stripe: Stripe, id: string): Promise<Transfer | null> {
  const found = await lookUp(() => stripe.transfers.retrieve(id), `transfer ${id}`)
  return found === null ? null : toTransfer(found)
}

/** A page of all transfers, newest first. */
export async function listTransfers(
  stripe: Stripe,
  createdAfter: Instant,
  cursor: string | null,
  signal: AbortSignal | undefined,
): Promise<TransferPage> {
  signal?.throwIfAborted()
  const created = Math.floor(toMs(createdAfter) / STRIPE_SECOND_MS)
  const from = cursor === null ? {} : { starting_after: cursor }
  const answer = await lookUpPage(
    () => stripe.transfers.list({ created: { gte: created }, limit: PAGE_LIMIT, ...from }),
    'transfers',
  )
  // A server that ignores the filter goes on to the beginning of its time: newest first, that is the end.
  const wanted = answer.data.filter((transfer) => transfer.created >= created)
  const isOver = wanted.length < answer.data.length || !hasMore(answer)
  return {
    transfers: wanted.map(toTransfer),
    next: isOver ? null : (answer.data.at(-1)?.id ?? null),
  }
}

/** The transfers of a group on our own balance report since a moment; null when there is no report. */
export async function findTransfersOnBalance(
  stripe: Stripe,
  { group, since }: BalanceSearch,
  signal: AbortSignal | undefined,
): Promise<Transfer[] | null> {
  const isTransfer = (source: { readonly object: string }): source is Stripe.Transfer =>
    source.object === 'transfer'
  const query = { type: 'transfer', group, since, account: null } as const
  const of = (source: { readonly object: string }) =>
    isTransfer(source) ? toTransfer(source) : null
  return findOnBalance(stripe, { ...query, toTransfer: of }, signal)
}

function toTransfer(answer: Stripe.Transfer): Transfer {
  const { destination } = answer
  const isReturned = answer.reversed
  return {
    id: answer.id,
    amount: {
      minor: minorUnits(answer.amount),
      currency: currency(answer.currency.toUpperCase()),
    },
    payeeRef: typeof destination === 'string' ? destination : (destination?.id ?? ''),
    group: answer.transfer_group,
    // These come from outside, whatever the SDK's types say.
    metadata: answer.metadata ?? {},
    createdAt: instantFromMs(answer.created * STRIPE_SECOND_MS),
    status: isReturned ? 'returned' : 'paid',
    returnedMinor: answer.amount_reversed ?? 0,
    failureCode: isReturned ? 'reversed' : null,
  }
}
