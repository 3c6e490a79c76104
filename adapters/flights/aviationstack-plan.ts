/**
 * What an aviationstack key's plan includes: found out by three requests of one row each, and what is
 * asked for instead of what it does not include.
 */
import type { Clock } from '../../domain/ports/clock.ts'
import type { ProviderFailure } from '../../domain/ports/flight-data-provider.ts'
import { findingOf, type PlanProduct, type ProviderPlan } from '../../domain/provider-plan.ts'
import { addMs, DAY_MS } from '../../domain/time.ts'
import { failure } from './aeroapi-failure.ts'
import type { AviationHttp } from './aviationstack-http.ts'
import { futurePage, statusPage } from './aviationstack-schema.ts'

/** Well above the seven days ahead up to which every plan is refused. */
const FUTURE_PROBE_DAYS = 10
/** Any airport will do: the answer is not read. */
const PROBE_AIRPORT = 'JFK'
/**
 * Without a date the service shows today's flights and what is left of yesterday's; how much that is is
 * not documented, so nothing older is asked for that way.
 */
const UNDATED_DAYS = 1

/** Asks for one row of each product. Never throws for what the service does. */
export async function probeAviationPlan(
  http: AviationHttp,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<ProviderPlan> {
  const now = await clock.now()
  const yesterday = addMs(now, -DAY_MS).slice(0, 10)
  const future = {
    iataCode: PROBE_AIRPORT,
    type: 'departure',
    date: addMs(now, FUTURE_PROBE_DAYS * DAY_MS).slice(0, 10),
    limit: '1',
  }
  const [present, past, ahead] = await Promise.all([
    http.get('/flights', { limit: '1' }, statusPage, { signal }),
    http.get('/flights', { limit: '1', flight_date: yesterday }, statusPage, { signal }),
    http.get('/flightsFuture', future, futurePage, { signal }),
  ])
  return { present: findingOf(present), past: findingOf(past), future: findingOf(ahead) }
}

/** How flights of a day are asked for under a plan, or why they are not: then no call is made. */
export type DayQuery =
  | { readonly ok: true; readonly query: { readonly flight_date?: string } }
  | ProviderFailure

/**
 * Flights that leave `days` from today at the origin. Today's are asked for without a date: a date is
 * another product, of past flights. Without that product yesterday's are looked for among today's, and
 * the caller matches by date as ever.
 */
export function queryOfDay(plan: ProviderPlan, date: string, days: number): DayQuery {
  if (isRefused(plan, 'present')) {
    const reason = plan.present.reason ?? 'refused'
    return failure('AUTH', `not asked: the key's plan includes no flights: ${reason}`)
  }
  if (days >= 0) return { ok: true, query: {} }
  if (!isRefused(plan, 'past')) return { ok: true, query: { flight_date: date } }
  if (days >= -UNDATED_DAYS) return { ok: true, query: {} }
  return failure(
    'NOT_FOUND',
    `not asked: the key's plan includes no flights of ${date}, it is past`,
  )
}

/** Why the board of a coming day is not asked for; null when it is. */
export function futureRefusal(plan: ProviderPlan, date: string): ProviderFailure | null {
  if (!isRefused(plan, 'future')) return null
  const reason = plan.future.reason ?? 'refused'
  return failure('NOT_FOUND', `not asked: the key's plan has no timetable of ${date}: ${reason}`)
}

function isRefused(plan: ProviderPlan, product: PlanProduct): boolean {
  return plan[product].verdict === 'refused'
}
