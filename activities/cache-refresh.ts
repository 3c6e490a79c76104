/** The parts of a cache refresh, as Temporal calls them. Thin: the work is in operations. */
import {
  refreshAirports as refresh,
  removeExpired,
  type RefreshAirportsDeps,
} from '../operations/refresh-airports.ts'
import {
  refreshFlights as refreshStaleFlights,
  type RefreshedPart,
  type RefreshFlightsDeps,
} from '../operations/refresh-flights.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** What the parts work over. */
export type CacheRefreshDeps = RefreshFlightsDeps & RefreshAirportsDeps

/** The activities of `cache-refresh`. All may be repeated: what was refreshed is not stale. */
export function createCacheRefreshActivities(deps: CacheRefreshDeps) {
  return mapFailures({
    /** Asks about legs that got old between two polls. */
    async refreshFlights(input: { readonly claimedBy: string }): Promise<RefreshedPart> {
      using heartbeats = startHeartbeats()
      const { onProgress, signal } = heartbeats
      return await refreshStaleFlights(deps, input, { onProgress, signal })
    },

    /** Asks for the METARs of airports with insured departures ahead. */
    async refreshWeather(): Promise<RefreshedPart> {
      using heartbeats = startHeartbeats()
      const { onProgress, signal } = heartbeats
      return await refresh(deps, { kind: 'weather' }, { onProgress, signal })
    },

    /** Asks for the airports in use. */
    async refreshAirports(): Promise<RefreshedPart> {
      using heartbeats = startHeartbeats()
      const { onProgress, signal } = heartbeats
      return await refresh(deps, { kind: 'airport' }, { onProgress, signal })
    },

    /** Removes what was not refreshed in time. */
    async removeExpiredEntries(): Promise<{ readonly removed: number }> {
      return await removeExpired(deps)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type CacheRefreshActivities = ReturnType<typeof createCacheRefreshActivities>
