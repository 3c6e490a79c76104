/**
 * The balance report: every movement of an account's balance, whatever it was made for. A second way to
 * find money that moved when the look-up by group finds none.
 */
import type Stripe from 'stripe'

import type { Transfer } from '../../domain/ports/payment-provider.ts'
import { toMs, type Instant } from '../../domain/time.ts'
import { collectPages, lookUp, PAGE_LIMIT, STRIPE_SECOND_MS } from './stripe-client.ts'

/** A day of a million payouts: the report cannot be asked for one group. */
const BALANCE_PAGES_LIMIT = 10_000

type Source = NonNullable<Stripe.BalanceTransaction['source']>

/** Which movements, and how one becomes a transfer; null for what is not of the group. */
export type BalanceQuery = {
  readonly type: 'transfer' | 'payout'
  readonly group: string
  readonly since: Instant
  /** The connected account whose balance it is; null for our own. */
  readonly account: string | null
  readonly toTransfer: (source: Exclude<Source, string>) => Transfer | null
}

/**
 * The movements of a group since a moment, oldest first; null when the service has no such report. Throws
 * PaymentLookupError.
 */
export async function findOnBalance(
  stripe: Stripe,
  query: BalanceQuery,
  signal: AbortSignal | undefined,
): Promise<Transfer[] | null> {
  const created = Math.floor(toMs(query.since) / STRIPE_SECOND_MS)
  const options = query.account === null ? {} : { stripeAccount: query.account }
  const list = (page: { limit: number; starting_after?: string }) =>
    stripe.balanceTransactions.list(
      { type: query.type, created: { gte: created }, expand: ['data.source'], ...page },
      options,
    )
  const what = `balance report of group ${query.group}`
  const transferOf = ({ source }: Stripe.BalanceTransaction) =>
    source === null || typeof source === 'string' ? null : query.toTransfer(source)
  if ((await lookUp(() => list({ limit: 1 }), what)) === null) return null
  const found = await collectPages((after) => list({ limit: PAGE_LIMIT, ...after }), {
    what,
    isWanted: (movement) => transferOf(movement)?.group === query.group,
    pagesLimit: BALANCE_PAGES_LIMIT,
    signal,
  })
  return found.flatMap((movement) => transferOf(movement) ?? [])
}
