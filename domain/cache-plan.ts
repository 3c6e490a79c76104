/**
 * How long what was asked of a provider is fresh enough beside the polls that decide: flights by what
 * their next poll waits for, weather, airports. Nothing here decides a policy.
 */
import type { PollPhase } from './poll-plan.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, type Instant } from './time.ts'

/**
 * The plan leaves these phases alone for longer than this: a long flight between its two looks, and a
 * reported cancellation until an hour after the arrival, which may be withdrawn meanwhile. All other
 * phases are asked about as often as is worth it by the plan itself.
 */
export const STALE_AFTER_MS: Readonly<Partial<Record<PollPhase, number>>> = {
  EN_ROUTE: 2 * HOUR_MS,
  CANCEL_REPORTED: 2 * HOUR_MS,
}

/** A leg whose poll is planned within this is not refreshed: the next refresh comes after the poll. */
export const SOON_MS = 15 * MINUTE_MS

/** What is kept beside flights. */
export type CacheKind = 'weather' | 'airport'

/** Airports hardly change; a METAR comes once an hour, and a special one when the weather turns. */
const FRESH_MS: Readonly<Record<CacheKind, number>> = {
  weather: 30 * MINUTE_MS,
  airport: 7 * DAY_MS,
}

/** What could not be refreshed is shown this long, then removed: old weather misleads. */
const KEPT_MS: Readonly<Record<CacheKind, number>> = {
  weather: 3 * HOUR_MS,
  airport: 56 * DAY_MS,
}

/** Insured departures ahead that make an airport's weather worth asking for. */
export const WEATHER_AHEAD_MS = 6 * HOUR_MS

const FIRST_RETRY_MS = 15 * MINUTE_MS
/** 15 minutes doubled this often is above the longest wait. */
const DOUBLINGS_LIMIT = 11

/** When an answered entry is to be asked for again, and when it is removed if that does not succeed. */
export function freshUntil(
  kind: CacheKind,
  now: Instant,
): { refreshAt: Instant; expiresAt: Instant } {
  return { refreshAt: addMs(now, FRESH_MS[kind]), expiresAt: addMs(now, KEPT_MS[kind]) }
}

/** When an entry is asked for again after its `failures`-th failure in a row (1 is the first). */
export function retryAt(kind: CacheKind, failures: number, now: Instant): Instant {
  const doublings = Math.min(Math.max(0, failures - 1), DOUBLINGS_LIMIT)
  return addMs(now, Math.min(FIRST_RETRY_MS * 2 ** doublings, FRESH_MS[kind] * 2))
}
