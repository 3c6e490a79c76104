/**
 * The demo's book: a few policies on every real leg of two days. The same legs give the same book, so
 * binding it twice changes nothing. Writes rows as an import file has them; binds nothing itself.
 */
import type { LegPack } from '../../domain/leg-pack.ts'
import { packLegIdentity } from '../../domain/leg-pack.ts'
import { legKey } from '../../domain/leg.ts'
import { DAY_MS, instantFromMs } from '../../domain/time.ts'

const COLUMNS =
  'policy_number,product,carrier,flight_number,origin,destination,departure_date,' +
  'sum_insured,currency,payee_ref,bound_at'
const PRODUCTS = ['FD45', 'FD120', 'FD180'] as const
const SUMS_INSURED = ['100.00', '150.00', '200.00', '250.00', '400.00', '600.00'] as const
const MAX_POLICIES_PER_LEG = 4
// All were bound in the week before, by a system that this one took over from.
const FIRST_BOUND_BEFORE_MS = 9 * DAY_MS
const BINDING_DAYS = 7

/**
 * The demo's days, and where its virtual time begins: at nine in the morning in New York, when the
 * snow sets in and the first cancelled flights are about to be paid.
 */
export const DEMO = {
  departureDates: ['2013-02-08', '2013-02-09'],
  clockStart: '2013-02-08T14:00:00.000Z',
  speed: 120,
} as const

/** The book as CSV text: one line per policy, in the order of its legs. */
export function demoBook(pack: LegPack, departureDates: readonly string[]): string {
  const dates = new Set(departureDates)
  const window = windowOf(departureDates)
  const lines = pack.legs
    // Local dates are dear to compute; no zone is more than a day away from UTC.
    .filter((leg) => leg.scheduledOutMs >= window.fromMs && leg.scheduledOutMs < window.toMs)
    .map((leg) => packLegIdentity(leg, pack.zones))
    .filter((identity) => dates.has(identity.originLocalDate))
    .flatMap((identity) => {
      const key = legKey(identity)
      const policies = hash(key) % (MAX_POLICIES_PER_LEG + 1)
      return Array.from({ length: policies }, (_, index) => {
        const seed = hash(`${key}|${index}`)
        const boundMs = window.fromMs - FIRST_BOUND_BEFORE_MS + (seed % BINDING_DAYS) * DAY_MS
        return [
          `DEMO-${identity.originLocalDate}-${identity.carrier}${identity.flightNumber}-` +
            `${identity.origin}${identity.destination}-${index + 1}`,
          pick(PRODUCTS, seed >>> 3),
          identity.carrier,
          identity.flightNumber,
          identity.origin,
          identity.destination,
          identity.originLocalDate,
          pick(SUMS_INSURED, seed >>> 7),
          'USD',
          `acct_demo${String(seed % 10_000).padStart(4, '0')}`,
          instantFromMs(boundMs),
        ].join(',')
      })
    })
  return [COLUMNS, ...lines, ''].join('\n')
}

function windowOf(dates: readonly string[]): { fromMs: number; toMs: number } {
  const days = dates.map((date) => Date.parse(`${date}T00:00:00Z`))
  return { fromMs: Math.min(...days) - DAY_MS, toMs: Math.max(...days) + 2 * DAY_MS }
}

function pick<T>(choices: readonly [T, ...T[]], seed: number): T {
  return choices[seed % choices.length] ?? choices[0]
}

/** FNV-1a, 32 bits: spreads well over short texts and is the same everywhere. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) {
    value = Math.imul(value ^ byte, 0x01000193) >>> 0
  }
  return value
}
