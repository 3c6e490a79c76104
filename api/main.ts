/**
 * The API process: builds everything that the routes need, listens, and stops. It listens before
 * Temporal and the database answer, so that health and clock can be asked from the first moment.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Client } from '@temporalio/client'
import type { Express } from 'express'

import { createAeroApiProvider } from '../adapters/flights/aeroapi.ts'
import { loadAirportZones } from '../adapters/airports/zones.ts'
import { ConfigError, isLoopback, type Config, type Secrets } from '../config/config.ts'
import { createDatabase, type Database } from '../db/client.ts'
import { assertSchemaCurrent } from '../db/schema-state.ts'
import { createBookReads } from '../db/stores/book-reads.ts'
import { createBookTotalsStore } from '../db/stores/book-totals.ts'
import { createClockStore, type ClockStore } from '../db/stores/clock-store.ts'
import { createControlStore } from '../db/stores/control-store.ts'
import { createDeadLetterStore } from '../db/stores/dead-letter-store.ts'
import { createIdempotencyStore } from '../db/stores/idempotency-store.ts'
import { createLatencyLog } from '../db/stores/latency-log.ts'
import { createPayeeStore } from '../db/stores/payee-store.ts'
import { createPayoutControlStore } from '../db/stores/payout-control-store.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import { createPolicyDetailsStore } from '../db/stores/policy-details.ts'
import { createPolicyStore } from '../db/stores/policy-store.ts'
import { createProductStore } from '../db/stores/product-store.ts'
import { createRunReads } from '../db/stores/run-reads.ts'
import { createScheduleWatchStore } from '../db/stores/schedule-watch-store.ts'
import type { Clock, ClockReading } from '../domain/ports/clock.ts'
import { instantFromMs } from '../domain/time.ts'
import { approvePayouts } from '../operations/approve-payouts.ts'
import { correctPayee } from '../operations/correct-payee.ts'
import {
  backfill,
  closeWindow,
  openWindow,
  switchQueue,
  switchSchedule,
} from '../operations/control-jobs.ts'
import { controlPayouts, readPayoutControls } from '../operations/control-payouts.ts'
import { importPolicies } from '../operations/import-policies.ts'
import { discardRuns, redriveRuns } from '../operations/redrive-runs.ts'
import { readSchedule, readSchedules } from '../operations/read-schedules.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import { createEvents, type Events } from '../platform/events.ts'
import type { HealthCheck } from '../platform/health.ts'
import { createLogger, type Logger } from '../platform/logger.ts'
import { serveMetrics, type MetricsServer } from '../platform/metrics-server.ts'
import { addProcessMetrics, createMetrics, type Metrics } from '../platform/metrics.ts'
import { observeFlightData } from '../platform/observed-providers.ts'
import { lazyClient } from '../platform/temporal/connection.ts'
import { createJobControl } from '../platform/temporal/job-control.ts'
import { createRunRedriver } from '../platform/temporal/run-redriver.ts'
import { createScheduleStates } from '../platform/temporal/schedule-states.ts'
import { createWatchedSchedules } from '../platform/temporal/watched-schedules.ts'
import { createApp } from './app.ts'
import { bookMetricsCollector } from './book-metrics.ts'
import { jobMetricsCollector } from './job-metrics.ts'
import { cancelJobRun, listJobRuns, readJobRun } from './job-runs.ts'
import { startJobRun } from './job-starts.ts'
import type { DeadLettersDeps } from './rest/dead-letters.ts'
import type { JobControlDeps } from './rest/job-control.ts'
import type { JobsDeps } from './rest/jobs.ts'
import type { PayoutActionDeps } from './rest/payout-actions.ts'
import type { PayoutControlDeps } from './rest/payout-controls.ts'
import type { PoliciesDeps } from './rest/policies.ts'
import { createReviewCases } from './review-cases.ts'
import type { SchedulesDeps } from './rest/schedules.ts'
import { runMetricsCollector } from './run-metrics.ts'
import { readSchedulerState } from './scheduler-state.ts'

/** What an API process is started with. */
export type ApiOptions = {
  readonly config: Config
  readonly secrets: Secrets
  /** For the standard TEMPORAL_* settings (TLS, API key) beside our own. */
  readonly env: NodeJS.ProcessEnv
  /** Default: a logger as configured. */
  readonly logger?: Logger
}

/** An API that listens; disposing it stops it. */
export type RunningApi = AsyncDisposable & {
  /** Where it listens: `http://127.0.0.1:3000`. */
  readonly url: string
  /** Where `/metrics` is: `http://127.0.0.1:9090`. */
  readonly metricsUrl: string
}

/** Requests get this long to finish when the process stops. */
const DRAIN_MS = 3_000
/** A client that sends its headers or its body slower than this is cut off. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 120_000
const CONNECT_TIMEOUT_MS = 3_000

/**
 * Starts the API and its metrics page. Dispose of it to stop: within 5 s. Throws ConfigError when
 * settings do not go together, or the system's error (`EADDRINUSE`) when it cannot listen.
 */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { config, secrets, env } = options
  requireSafeDoors(config, secrets)
  const logger = options.logger ?? createLogger(config.log)
  const metrics = createMetrics()
  addProcessMetrics(metrics)
  await using stack = new AsyncDisposableStack()
  const db = createDatabase(databaseUrlOf(secrets), {
    max: config.database.poolMax,
    applicationName: 'groundstop api',
  })
  stack.defer(() => db.destroy())
  const connectTimeoutMs = CONNECT_TIMEOUT_MS
  const { client } = stack.use(lazyClient(config.temporal, { env, connectTimeoutMs }))
  const clockStore = createClockStore(db)
  const clock = createVirtualClock(clockStore)
  const app = buildApp({ ...options, logger, metrics, db, client, clockStore, clock, stack })
  const metricsServer: MetricsServer = await serveMetrics({
    ...config.metrics,
    metrics,
    token: isLoopback(config.metrics.host) ? undefined : (secrets.apiToken ?? undefined),
    collect: [
      jobMetricsCollector({ client, metrics }),
      bookMetricsCollector({
        totals: createBookTotalsStore(db),
        latencies: createLatencyLog(db),
        clock,
        metrics,
      }),
      runMetricsCollector({
        deadLetters: createDeadLetterStore(db),
        runReads: createRunReads(db),
        watchStore: createScheduleWatchStore(db),
        metrics,
      }),
    ],
    logger,
  })
  stack.use(metricsServer)
  const server = await listen(app, config.api)
  stack.defer(() => drain(server))
  const owned = stack.move()
  return {
    url: urlOf(config.api.host, server),
    metricsUrl: metricsServer.url,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function requireSafeDoors(config: Config, secrets: Secrets): void {
  const open = [
    ['API_HOST', config.api.host],
    ['METRICS_HOST', config.metrics.host],
  ].filter(([, host]) => host !== undefined && !isLoopback(host))
  if (open.length === 0 || secrets.apiToken !== null) return
  throw new ConfigError(
    open.map(([variable, host]) => ({
      variable: 'API_TOKEN',
      message: `must be set when ${variable} is ${host}: only loopback goes without a token`,
    })),
  )
}

function databaseUrlOf(secrets: Secrets): string {
  if (secrets.databaseUrl !== null) return secrets.databaseUrl
  throw new ConfigError([{ variable: 'DATABASE_URL', message: 'must be set' }])
}

type Parts = ApiOptions & {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly db: Database
  readonly client: Client
  readonly clockStore: ClockStore
  readonly clock: Clock
  readonly stack: AsyncDisposableStack
}

function buildApp(parts: Parts): Express {
  const { config, secrets, logger, metrics, db, client, clockStore } = parts
  const events = createEvents({ logger, metrics })
  return createApp({
    logger,
    events,
    token: secrets.apiToken,
    isLoopback: isLoopback(config.api.host),
    checks: healthChecks(db, client),
    readClock: async (): Promise<ClockReading> =>
      (await clockStore.read()) ?? { now: instantFromMs(Date.now()), speed: 1 },
    readState: () => readSchedulerState(client),
    startedAtMs: Date.now(),
    jobs: jobsOf(client, config),
    schedules: schedulesOf(parts),
    runReads: createRunReads(db),
    deadLetters: deadLettersOf(parts),
    control: controlOf(parts),
    idempotency: createIdempotencyStore(db),
    policies: policiesOf(parts, events),
    reads: createBookReads(db),
    payoutControls: payoutControlsOf(parts),
    payoutActions: payoutActionsOf(parts),
    reviewCases: createReviewCases({
      db,
      client,
      clock: parts.clock,
      environment: config.environment,
    }),
  })
}

function healthChecks(db: Database, client: Client): Record<string, HealthCheck> {
  return {
    database: () => assertSchemaCurrent(db),
    temporal: () => client.workflowService.getSystemInfo({}),
  }
}

function jobsOf(client: Client, { environment }: Config): JobsDeps['jobs'] {
  return {
    start: (start, attempt) => startJobRun({ client, environment }, start, attempt),
    list: (filter, page) => listJobRuns(client, filter, page),
    read: (id, runId) => readJobRun(client, id, runId),
    cancel: (id, runId) => cancelJobRun(client, id, runId),
  }
}

function schedulesOf({ db, client }: Parts): SchedulesDeps['schedules'] {
  const deps = {
    runReads: createRunReads(db),
    scheduleStates: createScheduleStates(client),
    watchStore: createScheduleWatchStore(db),
  }
  return { list: () => readSchedules(deps), read: (name) => readSchedule(deps, name) }
}

/** Windows shown at once: more are a mistake. */
const WINDOWS_SHOWN = 100

function controlOf({ db, client, clock }: Parts): JobControlDeps['control'] {
  const controlStore = createControlStore(db)
  const deps = {
    control: createJobControl(client),
    controlStore,
    scheduleStates: createScheduleStates(client),
    watched: createWatchedSchedules(client),
    watchStore: createScheduleWatchStore(db),
    clock,
    wallNow: () => instantFromMs(Date.now()),
  }
  return {
    switchSchedule: (job, isEnabled, note) => switchSchedule(deps, job, isEnabled, note),
    backfill: (job, request) => backfill(deps, job, request),
    readQueue: (queue) => deps.control.readQueue(queue),
    switchQueue: (queue, isPaused, note) => switchQueue(deps, queue, isPaused, note),
    windows: () => controlStore.listWindows(WINDOWS_SHOWN),
    openWindow: (selection, request) => openWindow(deps, selection, request),
    closeWindow: (windowId, note) => closeWindow(deps, windowId, note),
  }
}

function deadLettersOf({ db, client, clock, config }: Parts): DeadLettersDeps['deadLetters'] {
  const deadLetters = createDeadLetterStore(db)
  const redriver = createRunRedriver({ client, environment: config.environment })
  const deps = { deadLetters, redriver, clock }
  return {
    ...deadLetters,
    readInput: (letter) => redriver.readInput(letter),
    redrive: (request) => redriveRuns(deps, request),
    discard: (request) => discardRuns(deps, request),
  }
}

function payoutControlsOf({ db, clock }: Parts): PayoutControlDeps['payoutControls'] {
  const deps = { payoutControls: createPayoutControlStore(db), clock }
  return {
    read: () => readPayoutControls(deps),
    change: (change) => controlPayouts(deps, change),
  }
}

function payoutActionsOf({ db, clock }: Parts): PayoutActionDeps['payoutActions'] {
  const payoutStore = createPayoutStore(db)
  const payeeStore = createPayeeStore(db)
  return {
    async approve({ payoutId, by, ...request }) {
      const approval = { payoutIds: [payoutId], approvedBy: by, leavesBatch: true, ...request }
      const outcome = await approvePayouts({ payoutStore, clock }, approval)
      const { approved, heldPayoutIds, awaitingSecond = 0 } = outcome
      return { approved, held: heldPayoutIds.length, awaitingSecond }
    },
    correctPayee: (correction) => correctPayee({ payeeStore, clock }, correction),
  }
}

function policiesOf(parts: Parts, events: Events): PoliciesDeps['policies'] {
  const { config, secrets, db, clock, stack } = parts
  const flightData = createAeroApiProvider({
    baseUrl: config.aeroapi.url,
    apiKey: secrets.aeroapiKey ?? '',
    ratePerS: config.aeroapi.ratePerS,
    concurrency: config.aeroapi.concurrency,
    airports: loadAirportZones(),
    clock,
  })
  stack.use(flightData)
  const deps = {
    policyStore: createPolicyStore(db),
    productStore: createProductStore(db),
    flightData: observeFlightData(flightData, events),
    clock,
    capacityMinor: config.underwriting.capacityMinor,
  }
  return {
    import: (rows) => importPolicies(deps, rows),
    find: (policyNumber) => createPolicyDetailsStore(db).find(policyNumber),
  }
}

async function listen(app: Express, { host, port }: Config['api']): Promise<Server> {
  const server = createServer(app)
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return server
}

function urlOf(host: string, server: Server): string {
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Takes no more requests, lets those at work finish, then cuts the rest off. */
async function drain(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  clearTimeout(cut)
}
