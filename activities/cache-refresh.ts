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
import {
  lookAtTimetable as look,
  type LookAtTimetableDeps,
} from '../operations/look-at-timetable.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** What the parts work over. */
export type CacheRefreshDeps = RefreshFlightsDeps &
  RefreshAirportsDeps &
  LookAtTimetableDeps & { readonly events: Pick<Events, 'timetableLooked'> }

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

    /** Looks legs that leave weeks ahead up in the timetable. */
    async lookAtTimetable(input: { readonly claimedBy: string }): Promise<RefreshedPart> {
      using heartbeats = startHeartbeats()
      const { onProgress, signal } = heartbeats
      const { retimed, vanished, returned, ...part } = await look(deps, input, {
        onProgress,
        signal,
      })
      const { wanted, refreshed: looked, failed } = part
      if (wanted > 0) deps.events.timetableLooked({ looked, retimed, vanished, returned, failed })
      return part
    },

    /** Removes what was not refreshed in time. */
    async removeExpiredEntries(): Promise<{ readonly removed: number }> {
      return await removeExpired(deps)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type CacheRefreshActivities = ReturnType<typeof createCacheRefreshActivities>
