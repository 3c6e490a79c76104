/** What the worker reports of outside services, and the activities of the jobs that look after them. */
import { hostname } from 'node:os'

import { createCacheRefreshActivities } from '../activities/cache-refresh.ts'
import { createProviderHealthCheckActivities } from '../activities/provider-health-check.ts'
import type { Config, Secrets } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createAirportCache } from '../db/stores/airport-cache.ts'
import { createAllowanceStore } from '../db/stores/allowance-store.ts'
import { createLegStore } from '../db/stores/leg-store.ts'
import { createProviderHealthStore } from '../db/stores/provider-health-store.ts'
import { createStaleLegs } from '../db/stores/stale-legs.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Events } from '../platform/events.ts'
import { createProviderReports, type ProviderReports } from '../platform/provider-reports.ts'
import type { FlightServices } from './flight-data.ts'
import type { ActivitiesByJob } from './queues.ts'
import { watchedProviders } from './watched-providers.ts'

/** Reports of this process; dispose of it before the database. */
export function createWorkerReports(db: Database, events: Events): ProviderReports {
  return createProviderReports({
    store: createProviderHealthStore(db),
    events,
    reporter: `worker:${hostname()}:${process.pid}`,
  })
}

/** The activities of `provider-health-check` and `cache-refresh`. */
export function createProviderActivities(deps: {
  readonly config: Config
  readonly secrets: Secrets
  readonly db: Database
  readonly clock: Clock
  readonly events: Events
  readonly flights: FlightServices
}): Pick<ActivitiesByJob, 'provider-health-check' | 'cache-refresh'> {
  const { config, secrets, db, clock, events } = deps
  const { flightData, secondFlightData, airportData } = deps.flights
  return {
    'provider-health-check': createProviderHealthCheckActivities({
      providers: watchedProviders(config, secrets),
      healthStore: createProviderHealthStore(db),
      allowanceStore: createAllowanceStore(db),
      events,
    }),
    'cache-refresh': createCacheRefreshActivities({
      clock,
      flightData,
      secondFlightData,
      legStore: createLegStore(db),
      staleLegs: createStaleLegs(db),
      airportData,
      airportCache: createAirportCache(db),
    }),
  }
}
