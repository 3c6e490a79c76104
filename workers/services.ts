/** Builds what activities work with: database, providers, clock, events. One per worker process. */
import { hostname } from 'node:os'

import { createAccessActivities } from './access-services.ts'
import { createJobPlaceActivities } from '../activities/job-places.ts'
import { createDependenciesActivities } from '../activities/dependencies.ts'
import { createTurnsActivities } from '../activities/turns.ts'
import { createMaintenanceActivities } from '../activities/maintenance.ts'
import { createCoverageArmingActivities } from '../activities/coverage-arming.ts'
import { ConfigError, type Config, type ConfigProblem, type Secrets } from '../config/config.ts'
import { settingDefaults } from '../config/setting-defaults.ts'
import { createDatabase, type Database } from '../db/client.ts'
import { createAuditLog } from '../db/stores/audit-log.ts'
import { createClockStore } from '../db/stores/clock-store.ts'
import { createCoverSwitches } from '../db/stores/cover-switch-store.ts'
import { createDatabaseCare } from '../db/stores/database-care.ts'
import { createOperatorNoticeStore } from '../db/stores/operator-notice-store.ts'
import { createJobPlaces } from '../db/stores/job-place-store.ts'
import { createKeyHolderStore } from '../db/stores/key-holder-store.ts'
import { createJobTurnStore } from '../db/stores/job-turn-store.ts'
import { createRunLogStore } from '../db/stores/run-log-store.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { PlacedRuns } from '../domain/ports/job-places.ts'
import type { DependencyRuns } from '../domain/ports/dependency-runs.ts'
import type { OpenRuns } from '../domain/ports/job-turns.ts'
import type { PayloadKeyUsage } from '../domain/ports/key-rings.ts'
import type { PrivacyRuns } from '../domain/ports/privacy-runs.ts'
import { instantFromMs } from '../domain/time.ts'
import { auditSchedule } from '../operations/audit-schedules.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import type { Events } from '../platform/events.ts'
import { reportKeys } from '../platform/key-reports.ts'
import type { ProcessLogger } from '../platform/logger.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { RunLines } from '../platform/run-lines.ts'
import { watchSettings } from '../platform/settings-watch.ts'
import type { SchedulePlanEntry } from '../platform/temporal/schedules-plan.ts'
import { createAnalyticsActivities } from './analytics-services.ts'
import { createFlightServices } from './flight-data.ts'
import { createMonitorActivities } from './monitor-services.ts'
import { createNotificationServices } from './notification-services.ts'
import { createPaymentActivities, openRails } from './payment-services.ts'
import { createPrivacyActivities } from './privacy-services.ts'
import {
  createProviderActivities,
  createWorkerReports,
  probePlansAtStart,
} from './provider-services.ts'
import type { ActivitiesByJob, ActivityFamily } from './queues.ts'
import { createRetentionActivities } from './retention-services.ts'
import { reviewActivities, type ReviewRunDeps } from './review-services.ts'
import { secretRotationActivities } from './secret-services.ts'
import { runProjection, type WatchedServer } from './run-projection.ts'
import type { WorkerRings } from './rings.ts'

/** On wall time a second is a second. */
const WALL_SPEED = 1

export type WorkerServices = AsyncDisposable & {
  readonly activities: ActivitiesByJob
  /** The business clock. */
  readonly clock: Clock
  /** Of every queue that has jobs with limits. */
  readonly placeActivities: ActivityFamily
  /** Of runs of any job, on every queue. */
  readonly runActivities: ActivityFamily
  /** Virtual seconds per wall second: 1 on wall time, 0 while stopped. */
  readonly clockSpeed: () => Promise<number>
  /** Writes down what a start changes of the server's schedules. */
  readonly auditSchedule: (entry: SchedulePlanEntry) => Promise<void>
  /** Lets changes of run-time settings hold in this process; dispose of it to stop. */
  readonly holdSettings: (logger: ProcessLogger) => AsyncDisposable
  /** Finds out what providers' plans include, where that is due; dispose of it to stop. */
  readonly probePlans: (logger: ProcessLogger) => AsyncDisposable
  /** Writes log lines of runs down; dispose of it to stop. */
  readonly keepRunLines: (lines: RunLines, logger: ProcessLogger) => AsyncDisposable
  /** Tells which keys this process has; dispose of it to stop. */
  readonly reportKeys: (logger: ProcessLogger, metrics: Metrics) => AsyncDisposable
}

export type WorkerServicesDeps = ReviewRunDeps & {
  readonly config: Config
  readonly secrets: Secrets
  readonly events: Events
  /** The keys of this process. */
  readonly rings: WorkerRings
  /** Null: payloads are not encrypted. */
  readonly payloadKeyUsage: PayloadKeyUsage | null
  /** Runs and schedules as the Temporal server has them. */
  readonly server: WatchedServer & {
    readonly dependencyRuns: DependencyRuns
    readonly openRuns: OpenRuns
  }
  /** The runs that have places or wait for them. */
  readonly placedRuns: PlacedRuns
  /** Starts the `payout` run of a batch; does nothing when it was started before. */
  readonly startPayout: (batchId: string) => Promise<void>
  /** Starts the `notification` run of a batch; does nothing when it was started before. */
  readonly startNotification: (batchId: string) => Promise<void>
  /** Starts runs that answer requests of persons; joins an open one. */
  readonly privacyRuns: PrivacyRuns
}

/** Connects lazily: a database or provider that is away shows in the first step that needs it. */
export function createWorkerServices(deps: WorkerServicesDeps): WorkerServices {
  const { config, secrets, events, startPayout } = deps
  const { databaseUrl, aeroapiKey: apiKey, stripeApiKey } = requireSecrets(secrets)
  const stack = new AsyncDisposableStack()
  const db = createDatabase(databaseUrl, {
    max: config.database.poolMax,
    applicationName: 'groundstop-worker',
  })
  stack.defer(() => db.destroy())
  const clockStore = createClockStore(db)
  const clock = createVirtualClock(clockStore)
  const clockSpeed = async (): Promise<number> => (await clockStore.read())?.speed ?? WALL_SPEED
  const reports = stack.use(createWorkerReports(db, events))
  const rails = stack.use(openRails(config, stripeApiKey, reports))
  const keys = { apiKey, secondApiKey: secrets.aviationstackKey }
  const flights = stack.use(createFlightServices({ config, ...keys, db, clock, events, reports }))
  const notifications = stack.use(createNotificationServices(deps, { db, clock }))
  return {
    activities: {
      ...createMonitorActivities({ db, clock, events, flights, startPayout }),
      ...createPaymentActivities({ db, clock, clockSpeed, events, rails }),
      ...reviewActivities({ ...deps, ...flights, db, clock, clockSpeed }),
      ...createProviderActivities({ config, secrets, db, clock, events, flights }),
      ...notifications.activities,
      ...createAccessActivities({ db, clock }),
      ...createRetentionActivities({ ...config, db, clock, events }),
      ...createPrivacyActivities({ ...config, ...deps, db, clock, ring: deps.rings.payload }),
      ...createAnalyticsActivities({ config, db, clock, clockSpeed, events }),
      'outbox-and-run-projection': runProjection(deps, db),
      'secret-rotation': secretRotationActivities({ ...deps, db, clock }),
      maintenance: createMaintenanceActivities({ databaseCare: createDatabaseCare(db) }),
      'coverage-arming': coverageArming(db, clock, events),
    },
    clock,
    placeActivities: createJobPlaceActivities({
      jobPlaces: createJobPlaces(db),
      placedRuns: deps.placedRuns,
      settingStore: createSettingStore(db),
    }),
    runActivities: {
      ...createDependenciesActivities(deps.server),
      ...createTurnsActivities({ ...deps.server, turns: createJobTurnStore(db) }),
    },
    clockSpeed,
    auditSchedule: (entry) =>
      auditSchedule({ auditLog: createAuditLog(db), clock, actor: 'system' }, entry),
    holdSettings: (logger) =>
      watchSettings({
        settingStore: createSettingStore(db),
        defaults: settingDefaults(config),
        logger,
      }),
    probePlans: (logger) => probePlansAtStart({ config, secrets, db, events, flights }, logger),
    keepRunLines: (lines, logger) => lines.keep(createRunLogStore(db), { logger }),
    reportKeys: (logger, metrics) =>
      reportKeys({
        holders: createKeyHolderStore(db),
        rings: deps.rings,
        processId: `worker ${hostname()}:${process.pid}`,
        metrics,
        logger,
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function coverageArming(db: Database, clock: Clock, events: Events): ActivityFamily {
  return createCoverageArmingActivities({
    coverSwitches: createCoverSwitches(db),
    operatorNoticeStore: createOperatorNoticeStore(db),
    clock,
    wallNow: () => instantFromMs(Date.now()),
    events,
  })
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
