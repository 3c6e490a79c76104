/** The book of an acceptance run: policies on a pack's legs, as an import file and as what they are owed. */
import type { ExpectedPolicy } from './expected-book.ts'
import { owedBps, readOracleLegs, type OracleLeg } from './leg-oracle.ts'

/** Which legs are insured, and how. */
export type BookPlan = {
  readonly flights: string
  /** Origin-local dates, inclusive. */
  readonly from: string
  readonly days: number
  readonly products: readonly string[]
  readonly policiesPerLeg: number
  /** Share of the days' legs that is insured, above 0 to 1. */
  readonly share: number
  readonly seed: number
}

/** A book, and what it must come to. */
export type AcceptanceBook = {
  readonly legs: readonly OracleLeg[]
  readonly csv: string
  /** By policy number. */
  readonly owed: ReadonlyMap<string, ExpectedPolicy>
  readonly firstDepartureMs: number
  readonly lastArrivalMs: number
}

const COLUMNS =
  'policy_number,product,carrier,flight_number,origin,destination,departure_date,' +
  'sum_insured,currency,payee_ref,bound_at'
/** Multiples of 100, so no share of them needs rounding. */
const SUMS = [100, 150, 200, 250, 400, 600]
const PAYEES = 10_000
const DAY_MS = 86_400_000
/** Bound well before every look at a leg, by a system that this one took over from. */
const BOUND_BEFORE_MS = 5 * DAY_MS

/** The book; the same plan gives the same one. Throws when no leg of the pack is in its days. */
export function acceptanceBook(plan: BookPlan): AcceptanceBook {
  const fromMs = Date.parse(`${plan.from}T00:00:00Z`)
  const dates = new Set(
    Array.from({ length: plan.days }, (_, day) =>
      new Date(fromMs + day * DAY_MS).toISOString().slice(0, 10),
    ),
  )
  const legs = readOracleLegs(plan.flights).filter(
    ({ key, date }) => dates.has(date) && hash(`${plan.seed}|${key}`) / 0x1_0000_0000 < plan.share,
  )
  if (legs.length === 0) throw new Error(`${plan.flights} has no insured leg in these days`)
  const owed = new Map<string, ExpectedPolicy>()
  const boundAt = new Date(fromMs - BOUND_BEFORE_MS).toISOString()
  const lines = legs.flatMap((leg) =>
    Array.from({ length: plan.policiesPerLeg }, (_, index) => {
      const drawn = hash(`${plan.seed}|${leg.key}|${index}`)
      const product = plan.products[drawn % plan.products.length] ?? ''
      const sum = SUMS[(drawn >>> 8) % SUMS.length] ?? 100
      const number = `ACC-${leg.key.replaceAll('|', '-')}-${index + 1}`
      const bps = owedBps(leg, product)
      owed.set(number, { legKey: leg.key, bps, amountMinor: (sum * 100 * bps) / 10_000 })
      const flight = [leg.carrier, leg.number, leg.origin, leg.destination, leg.date]
      const payee = `acct_accept${drawn % PAYEES}`
      return [number, product, ...flight, `${sum}.00`, 'USD', payee, boundAt].join(',')
    }),
  )
  return {
    legs,
    csv: [COLUMNS, ...lines, ''].join('\n'),
    owed,
    firstDepartureMs: Math.min(...legs.map(({ scheduledOutMs }) => scheduledOutMs)),
    lastArrivalMs: Math.max(...legs.map(({ scheduledInMs }) => scheduledInMs)),
  }
}

/** FNV-1a with a finishing mix, 32 bits: spreads well over texts that differ little. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return (value ^ (value >>> 13)) >>> 0
}
