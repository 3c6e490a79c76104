/** Refreshes the airports in use, or the weather at those with insured departures; removes what expired. */
import { freshUntil, retryAt, WEATHER_AHEAD_MS, type CacheKind } from '../domain/cache-plan.ts'
import type { AirportCache } from '../domain/ports/airport-cache.ts'
import type { AirportDataProvider } from '../domain/ports/airport-data-provider.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { ProviderFailure } from '../domain/ports/flight-data-provider.ts'
import { addMs } from '../domain/time.ts'
import { forEachConcurrently } from './bounded-concurrency.ts'
import type { RefreshedPart } from './refresh-flights.ts'

/** What refreshing works over. */
export type RefreshAirportsDeps = {
  readonly airportCache: AirportCache
  readonly airportData: AirportDataProvider
  readonly clock: Clock
}

/** Airports of one run; what is over is still due in the next. */
const AIRPORTS_LIMIT = 300
const CONCURRENCY = 4

/** Failures that say nothing about the airport: it is asked for again with the next run. */
const NOT_ITS_FAULT: readonly ProviderFailure['kind'][] = [
  'QUOTA',
  'AUTH',
  'THROTTLED',
  'UNAVAILABLE',
]

/** May be repeated: what was refreshed is not due. Throws on cancellation and a lost database. */
export async function refreshAirports(
  deps: RefreshAirportsDeps,
  input: { readonly kind: CacheKind },
  options: {
    readonly onProgress?: (done: number, total: number) => void
    readonly signal?: AbortSignal
  } = {},
): Promise<RefreshedPart> {
  const { airportCache, clock } = deps
  const { kind } = input
  const now = await clock.now()
  const departuresUntil = addMs(now, WEATHER_AHEAD_MS)
  const due = await airportCache.due({ kind, now, departuresUntil, limit: AIRPORTS_LIMIT })
  const part = { wanted: due.length, refreshed: 0, failed: 0, error: null as string | null }
  const { signal } = options
  await forEachConcurrently(
    due,
    { concurrency: CONCURRENCY, signal },
    async ({ code, failures }) => {
      const failure = await refreshOne(deps, kind, code, signal)
      if (failure === null) part.refreshed += 1
      else {
        part.failed += 1
        part.error ??= `${code}: ${failure.kind}: ${failure.message}`
        if (!NOT_ITS_FAULT.includes(failure.kind)) {
          const refreshAt = retryAt(kind, failures + 1, now)
          const message = `${failure.kind}: ${failure.message}`
          await airportCache.saveFailure({ kind, code, message, refreshAt })
        }
      }
      options.onProgress?.(part.refreshed + part.failed, part.wanted)
    },
  )
  return part
}

/** Null when the entry was refreshed. */
async function refreshOne(
  { airportCache, airportData, clock }: RefreshAirportsDeps,
  kind: CacheKind,
  code: string,
  signal: AbortSignal | undefined,
): Promise<ProviderFailure | null> {
  if (kind === 'airport') {
    const result = await airportData.airport(code, signal)
    if (!result.ok) return result
    const fetchedAt = await clock.now()
    const times = { fetchedAt, ...freshUntil(kind, fetchedAt) }
    await airportCache.saveAirport(airportData.id, result.value, times)
    return null
  }
  const result = await airportData.weather(code, signal)
  if (!result.ok) return result
  const fetchedAt = await clock.now()
  const times = { fetchedAt, ...freshUntil(kind, fetchedAt) }
  await airportCache.saveWeather(airportData.id, { code, weather: result.value }, times)
  return null
}

/** Removes airports and weather that were not refreshed in time. */
export async function removeExpired(
  deps: Pick<RefreshAirportsDeps, 'airportCache' | 'clock'>,
): Promise<{ readonly removed: number }> {
  return { removed: await deps.airportCache.removeExpired(await deps.clock.now()) }
}
