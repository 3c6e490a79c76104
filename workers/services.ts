/** Builds what activities work with: database, providers, clock, events. One per worker process. */
import { loadAirportZones } from '../adapters/airports/zones.ts'
import { createAeroApiProvider } from '../adapters/flights/aeroapi.ts'
import { createAviationstackProvider } from '../adapters/flights/aviationstack.ts'
import { createStripePayments } from '../adapters/payments/stripe.ts'
import { createFlightMonitorActivities } from '../activities/flight-monitor.ts'
import { createMaintenanceActivities } from '../activities/maintenance.ts'
import { createPayoutActivities } from '../activities/payout.ts'
import { createPolicyExpirationActivities } from '../activities/policy-expiration.ts'
import { createReconciliationActivities } from '../activities/reconciliation.ts'
import {
  createCorrectionWatchActivities,
  type CorrectionWatchDeps,
} from '../activities/correction-watch.ts'
import { ConfigError, type Config, type ConfigProblem, type Secrets } from '../config/config.ts'
import { createDatabase, type Database } from '../db/client.ts'
import { createClockStore } from '../db/stores/clock-store.ts'
import { createCorrectionStore } from '../db/stores/correction-store.ts'
import { createDatabaseCare } from '../db/stores/database-care.ts'
import { createDecisionStore } from '../db/stores/decision-store.ts'
import { createExpiryStore } from '../db/stores/expiry-store.ts'
import { createLegStore } from '../db/stores/leg-store.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import { createPolicyLegs } from '../db/stores/policy-legs.ts'
import { createReconciliationStore } from '../db/stores/reconciliation-store.ts'
import { createReviewStore } from '../db/stores/review-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import type { Events } from '../platform/events.ts'
import { createNotificationServices } from './notification-services.ts'
import type { ActivitiesByJob } from './queues.ts'

/** On wall time a second is a second. */
const WALL_SPEED = 1

export type WorkerServices = AsyncDisposable & {
  readonly activities: ActivitiesByJob
  /** Virtual seconds per wall second: 1 on wall time, 0 while stopped. */
  readonly clockSpeed: () => Promise<number>
}

export type WorkerServicesDeps = {
  readonly config: Config
  readonly secrets: Secrets
  readonly events: Events
  /** Starts the `payout` run of a batch; does nothing when it was started before. */
  readonly startPayout: (batchId: string) => Promise<void>
  /** Starts the `notification` run of a batch; does nothing when it was started before. */
  readonly startNotification: (batchId: string) => Promise<void>
}

/** Connects lazily: a database or provider that is away shows in the first step that needs it. */
export function createWorkerServices(deps: WorkerServicesDeps): WorkerServices {
  const { config, events, startPayout } = deps
  const { databaseUrl, aeroapiKey, stripeApiKey } = requireSecrets(deps.secrets)
  const db = createDatabase(databaseUrl, {
    max: config.database.poolMax,
    applicationName: 'groundstop-worker',
  })
  const clockStore = createClockStore(db)
  const clock = createVirtualClock(clockStore)
  const clockSpeed = async (): Promise<number> => (await clockStore.read())?.speed ?? WALL_SPEED
  const flightData = firstSource(config, aeroapiKey, clock)
  const secondFlightData = secondSource(deps, clock)
  const payments = createStripePayments({
    baseUrl: config.stripe.url,
    apiKey: stripeApiKey,
    concurrency: config.stripe.concurrency,
  })
  const notifications = createNotificationServices(deps, { db, clock })
  const payoutStore = createPayoutStore(db)
  const decisionStore = createDecisionStore(db)
  return {
    activities: {
      'flight-monitor': createFlightMonitorActivities({
        clock,
        flightData,
        secondFlightData,
        legStore: createLegStore(db),
        decisionStore,
        payoutStore,
        findPolicyLeg: (policyId) => createPolicyLegs(db).legOfPolicy(policyId),
        startPayout,
        events,
      }),
      payout: createPayoutActivities({
        clock,
        payments,
        payoutStore,
        reviewStore: createReviewStore(db),
        clockSpeed,
        events,
      }),
      'policy-expiration': createPolicyExpirationActivities({
        clock,
        decisionStore,
        expiryStore: createExpiryStore(db),
        events,
      }),
      reconciliation: createReconciliationActivities({
        clock,
        payments,
        reconciliationStore: createReconciliationStore(db),
      }),
      ...notifications.activities,
      maintenance: createMaintenanceActivities({ databaseCare: createDatabaseCare(db) }),
      'correction-watch': correctionWatch(db, { clock, flightData, decisionStore, events }),
    },
    clockSpeed,
    async [Symbol.asyncDispose]() {
      await flightData[Symbol.asyncDispose]()
      await secondFlightData?.[Symbol.asyncDispose]()
      await payments[Symbol.asyncDispose]()
      await notifications[Symbol.asyncDispose]()
      await db.destroy()
    },
  }
}

function correctionWatch(
  db: Database,
  deps: Omit<CorrectionWatchDeps, 'legStore' | 'correctionStore'>,
): ActivitiesByJob['correction-watch'] {
  const stores = { legStore: createLegStore(db), correctionStore: createCorrectionStore(db) }
  return createCorrectionWatchActivities({ ...deps, ...stores })
}

function firstSource({ aeroapi }: Config, apiKey: string, clock: Clock) {
  const { url: baseUrl, ratePerS, concurrency } = aeroapi
  const airports = loadAirportZones()
  return createAeroApiProvider({ baseUrl, apiKey, ratePerS, concurrency, airports, clock })
}

/** Built when there is a key for it; without one, one source decides. */
function secondSource({ config, secrets }: WorkerServicesDeps, clock: Clock) {
  const { aviationstackKey: apiKey } = secrets
  if (apiKey === null) return undefined
  const { url: baseUrl, ratePerS, concurrency } = config.aviationstack
  const airports = loadAirportZones()
  return createAviationstackProvider({ baseUrl, apiKey, ratePerS, concurrency, airports, clock })
}

type NeededSecrets = { databaseUrl: string; aeroapiKey: string; stripeApiKey: string }

/** Throws ConfigError with every secret that a worker cannot do without. */
function requireSecrets({ databaseUrl, aeroapiKey, stripeApiKey }: Secrets): NeededSecrets {
  const missing: ConfigProblem[] = []
  const need = (variable: string, value: string | null): string => {
    if (value === null) missing.push({ variable, message: 'must be set for a worker' })
    return value ?? ''
  }
  const needed = {
    databaseUrl: need('DATABASE_URL', databaseUrl),
    aeroapiKey: need('AEROAPI_KEY', aeroapiKey),
    stripeApiKey: need('STRIPE_API_KEY', stripeApiKey),
  }
  if (missing.length > 0) throw new ConfigError(missing)
  return needed
}
