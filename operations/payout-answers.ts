/**
 * What a rail's answer means for a payout. A transfer counts only when it is the transfer that was
 * asked for, in every part.
 */
import type {
  AcceptedAnswer,
  AttemptKey,
  InTransitAnswer,
  MismatchedAnswer,
  RejectedAnswer,
  UnknownAnswer,
} from '../domain/ports/payout-store.ts'
import type { Transfer, TransferOutcome } from '../domain/ports/payment-provider.ts'
import type { Money } from '../domain/money.ts'

/** What the transfer must be. */
export type WantedTransfer = {
  readonly payoutId: string
  readonly amount: Money
  readonly payeeRef: string
}

/** An answer sorted by what is to be recorded. */
export type SortedAnswer =
  | { readonly kind: 'accepted'; readonly answer: AcceptedAnswer }
  | { readonly kind: 'in-transit'; readonly answer: InTransitAnswer }
  | { readonly kind: 'mismatched'; readonly answer: MismatchedAnswer }
  | { readonly kind: 'rejected'; readonly answer: RejectedAnswer }
  | { readonly kind: 'postponed'; readonly answer: RejectedAnswer }
  | { readonly kind: 'unknown'; readonly answer: UnknownAnswer }

/** Where the transfer is not the wanted one: field to [wanted, found]; empty when it is. */
function differencesOf(
  wanted: WantedTransfer,
  transfer: Transfer,
): Record<string, readonly [wanted: string, found: string]> {
  const pairs = {
    amount: [String(wanted.amount.minor), String(transfer.amount.minor)],
    currency: [wanted.amount.currency, transfer.amount.currency],
    destination: [wanted.payeeRef, transfer.payeeRef],
    group: [wanted.payoutId, String(transfer.group)],
  } as const
  return Object.fromEntries(Object.entries(pairs).filter(([, [want, found]]) => want !== found))
}

/** The answer to attempt `key`, sorted. */
export function sortOutcome(
  key: AttemptKey,
  wanted: WantedTransfer,
  outcome: TransferOutcome,
): SortedAnswer {
  const { payoutId, n } = key
  switch (outcome.kind) {
    case 'accepted':
      return sortTransfer(key, wanted, outcome.transfer)
    case 'rejected':
      return {
        kind: outcome.code === BALANCE_CODE ? 'postponed' : 'rejected',
        answer: { payoutId, n, code: outcome.code },
      }
    case 'unknown': {
      const { code } = outcome
      const isStorable = STORABLE_CODES.has(code)
      return { kind: 'unknown', answer: { payoutId, n, code, isStorable } }
    }
  }
}

/** A transfer that exists at the rail, for attempt `key`. */
export function sortTransfer(
  { payoutId, n }: AttemptKey,
  wanted: WantedTransfer,
  transfer: Transfer,
): SortedAnswer {
  const transferId = transfer.id
  const differences = differencesOf(wanted, transfer)
  if (Object.keys(differences).length > 0) {
    return { kind: 'mismatched', answer: { payoutId, n, transferId, differences } }
  }
  // What came back already is not paid: as in transit, it is asked about until that is recorded.
  const kind = transfer.status === 'paid' ? 'accepted' : 'in-transit'
  return { kind, answer: { payoutId, n, transferId } }
}

/** Nothing is wrong with the payout: it waits until the rail has money. Every rail's adapter says it so. */
const BALANCE_CODE = 'balance_insufficient'

/**
 * Answers that a rail may have stored under the key, so that it gives them again for ever: a 5xx, an
 * answer that is not a transfer, another request's result. Every rail's adapter says them so.
 */
const STORABLE_CODES = new Set(['server_error', 'malformed', 'idempotency_mismatch'])
