/** What a book of policies must be decided and paid, by the independent oracle. */
import { parse } from 'csv-parse/sync'

/** One policy of an import file, as far as its decision needs it. */
type BookRow = {
  readonly policy_number: string
  readonly product: string
  readonly carrier: string
  readonly flight_number: string
  readonly origin: string
  readonly destination: string
  readonly departure_date: string
  readonly sum_insured: string
}

export type ExpectedPolicy = {
  readonly legKey: string
  readonly bps: number
  readonly amountMinor: number
}

/** Per policy number: leg, basis points and cents that are due. Sums insured have two decimals. */
export function expectedBook(
  csv: string,
  decisionsOf: (product: string) => ReadonlyMap<string, number>,
): Map<string, ExpectedPolicy> {
  const rows = parse<BookRow>(csv, { columns: true })
  return new Map(
    rows.map((row) => {
      const legKey = [
        row.carrier,
        row.flight_number,
        row.origin,
        row.destination,
        row.departure_date,
      ].join('|')
      const bps = decisionsOf(row.product).get(legKey)
      if (bps === undefined) throw new Error(`the oracle has no leg ${legKey}`)
      const sumMinor = Math.round(Number(row.sum_insured) * 100)
      // Sums of the test books are multiples of 100, so no share of them needs rounding.
      return [row.policy_number, { legKey, bps, amountMinor: (sumMinor * bps) / 10_000 }] as const
    }),
  )
}

/** One line of `decisions export`: what a policy pays in all, and by which payouts. */
export type DecidedPolicy = {
  readonly legKey: string
  readonly outcome: string
  readonly bps: number
  readonly amountMinor: number
  /** In order; a transfer that is not known is empty. None when nothing is paid. */
  readonly payouts: readonly { readonly payoutId: string; readonly transferId: string }[]
}

/** Parses an export: number, leg key, outcome, bps, amount, payout ids, transfer ids. */
export function parseDecisions(text: string): Map<string, DecidedPolicy> {
  const rows = parse(text)
  return new Map(
    rows.map(
      ([number = '', legKey = '', outcome = '', bps, amount, payoutId = '', transferId = '']) => [
        number,
        {
          legKey,
          outcome,
          bps: Number(bps),
          amountMinor: Number(amount),
          payouts: payoutsOf(payoutId, transferId),
        },
      ],
    ),
  )
}

/** Ids of several payouts are joined by `;`. */
function payoutsOf(payoutIds: string, transferIds: string): DecidedPolicy['payouts'] {
  if (payoutIds === '') return []
  const transfers = transferIds.split(';')
  return payoutIds.split(';').map((payoutId, at) => ({ payoutId, transferId: transfers[at] ?? '' }))
}
