/** What the worker reports of outside services, and the activities of the jobs that look after them. */
import { hostname } from 'node:os'

import { createCacheRefreshActivities } from '../activities/cache-refresh.ts'
import { createProviderHealthCheckActivities } from '../activities/provider-health-check.ts'
import { createProviderInstanceCleanupActivities } from '../activities/provider-instance-cleanup.ts'
import type { Config, Secrets } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createAirportCache } from '../db/stores/airport-cache.ts'
import { createAllowanceStore } from '../db/stores/allowance-store.ts'
import { createLegStore } from '../db/stores/leg-store.ts'
import { createPlanStore } from '../db/stores/plan-store.ts'
import { createProviderHealthStore } from '../db/stores/provider-health-store.ts'
import { createProviderInstances } from '../db/stores/provider-instances.ts'
import { createStaleLegs } from '../db/stores/stale-legs.ts'
import { createTimetableLooks } from '../db/stores/timetable-looks.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Events } from '../platform/events.ts'
import { probePlans } from '../operations/check-providers.ts'
import type { ProcessLogger } from '../platform/logger.ts'
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

/** The activities of `provider-health-check`, `provider-instance-cleanup` and `cache-refresh`. */
export function createProviderActivities(deps: {
  readonly config: Config
  readonly secrets: Secrets
  readonly db: Database
  readonly clock: Clock
  readonly events: Events
  readonly flights: FlightServices
}): Pick<ActivitiesByJob, 'provider-health-check' | 'provider-instance-cleanup' | 'cache-refresh'> {
  const { config, secrets, db, clock, events } = deps
  const { flightData, secondFlightData, airportData } = deps.flights
  return {
    'provider-health-check': createProviderHealthCheckActivities({
      providers: watchedProviders(config, secrets, deps.flights.secondPlan),
      healthStore: createProviderHealthStore(db),
      allowanceStore: createAllowanceStore(db),
      planStore: createPlanStore(db),
      events,
    }),
    'provider-instance-cleanup': createProviderInstanceCleanupActivities({
      instances: createProviderInstances(db),
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
      timetableLooks: createTimetableLooks(db),
      events,
    }),
  }
}

/**
 * Finds out at a worker's start what plans include, where that is due: `provider-health-check` does it
 * from then on. Waits for nothing; dispose of it before the database.
 */
export function probePlansAtStart(
  deps: {
    readonly config: Config
    readonly secrets: Secrets
    readonly db: Database
    readonly events: Pick<Events, 'providerPlanFound'>
    readonly flights: Pick<FlightServices, 'secondPlan'>
  },
  logger: ProcessLogger,
): AsyncDisposable {
  const { config, secrets, db, events, flights } = deps
  const providers = watchedProviders(config, secrets, flights.secondPlan)
  const ending = new AbortController()
  const probing = probePlans({ providers, planStore: createPlanStore(db) }, ending.signal)
    .then((plans) => plans.forEach((found) => events.providerPlanFound(found)))
    .catch((error: unknown) => {
      // The next health check does it: until then everything is asked for.
      if (!ending.signal.aborted) logger.warn({ error }, 'plans-not-probed')
    })
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort()
      await probing
    },
  }
}
