/** Airports and their weather as they were last asked for, by business time. */
import type { CacheKind } from '../cache-plan.ts'
import type { Instant } from '../time.ts'
import type { AirportFacts, WeatherObservation } from './airport-data-provider.ts'

/** An airport in use whose entry is to be asked for. */
export type DueEntry = {
  readonly code: string
  /** Failures since the last answer. */
  readonly failures: number
}

/** From when on an answered entry is asked for again, and when it is removed. */
export type EntryTimes = {
  readonly fetchedAt: Instant
  readonly refreshAt: Instant
  readonly expiresAt: Instant
}

/** What is known of an airport; a part is null when it was never answered or was removed. */
export type CachedAirport = {
  readonly code: string
  readonly airport: (AirportFacts & CachedPart) | null
  readonly weather: (WeatherObservation & CachedPart) | null
}

/** Whence and since when a cached part is. */
export type CachedPart = {
  readonly provider: string
  readonly fetchedAt: Instant
}

/** The cache. Every write may be repeated. */
export interface AirportCache {
  /**
   * Airports that are due for a refresh, by code: origins of insured legs that leave before
   * `departuresUntil` for weather, origins and destinations of all watched legs for airports.
   */
  due(request: {
    readonly kind: CacheKind
    readonly now: Instant
    readonly departuresUntil: Instant
    readonly limit: number
  }): Promise<DueEntry[]>
  saveAirport(provider: string, airport: AirportFacts, times: EntryTimes): Promise<void>
  saveWeather(
    provider: string,
    entry: { readonly code: string; readonly weather: WeatherObservation | null },
    times: EntryTimes,
  ): Promise<void>
  saveFailure(failure: {
    readonly kind: CacheKind
    readonly code: string
    readonly message: string
    readonly refreshAt: Instant
  }): Promise<void>
  /** Removes what has expired; the number of airports and observations removed. */
  removeExpired(now: Instant): Promise<number>
  /** Null when nothing is known of the airport. */
  find(code: string): Promise<CachedAirport | null>
}
