/** Builds what activities work with: database, providers, clock, events. One per worker process. */
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
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import type { Events } from '../platform/events.ts'
import { createFlightServices } from './flight-data.ts'
import {
  createProviderActivities,
  createWorkerReports,
  reportedPayments,
} from './provider-services.ts'
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
  const reports = createWorkerReports(db, events)
  const { aviationstackKey: secondApiKey } = deps.secrets
  const keys = { apiKey: aeroapiKey, secondApiKey }
  const flights = createFlightServices({ config, ...keys, db, clock, events, reports })
  const { flightData, secondFlightData } = flights
  const rail = createStripePayments({
    baseUrl: config.stripe.url,
    apiKey: stripeApiKey,
    concurrency: config.stripe.concurrency,
  })
  const payments = reportedPayments(rail, reports)
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
      maintenance: createMaintenanceActivities({ databaseCare: createDatabaseCare(db) }),
      'correction-watch': correctionWatch(db, { clock, flightData, decisionStore, events }),
      ...createProviderActivities({ config, secrets: deps.secrets, db, clock, events, flights }),
    },
    clockSpeed,
    async [Symbol.asyncDispose]() {
      await flights[Symbol.asyncDispose]()
      await rail[Symbol.asyncDispose]()
      await reports[Symbol.asyncDispose]()
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
