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
import { lazyDelayHistory } from '../adapters/rates/delay-history.ts'
import { ConfigError, isLoopback, type Config, type Secrets } from '../config/config.ts'
import { createDatabase, type Database } from '../db/client.ts'
import { assertSchemaCurrent } from '../db/schema-state.ts'
import { createBookReads } from '../db/stores/book-reads.ts'
import { createBookTotalsStore } from '../db/stores/book-totals.ts'
import { createCancellationStore } from '../db/stores/cancellation-store.ts'
import { createClockStore, type ClockStore } from '../db/stores/clock-store.ts'
import { createIdempotencyStore } from '../db/stores/idempotency-store.ts'
import { createLatencyLog } from '../db/stores/latency-log.ts'
import { createPayeeStore } from '../db/stores/payee-store.ts'
import { createPayoutControlStore } from '../db/stores/payout-control-store.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import { createPolicyDetailsStore } from '../db/stores/policy-details.ts'
import { createPolicyStore } from '../db/stores/policy-store.ts'
import { createProductStore } from '../db/stores/product-store.ts'
import { createQuoteStore } from '../db/stores/quote-store.ts'
import type { Clock, ClockReading } from '../domain/ports/clock.ts'
import { instantFromMs } from '../domain/time.ts'
import { approvePayouts } from '../operations/approve-payouts.ts'
import { bindQuote } from '../operations/bind-quote.ts'
import { correctPayee } from '../operations/correct-payee.ts'
import { cancelPolicy } from '../operations/cancel-policy.ts'
import { controlPayouts, readPayoutControls } from '../operations/control-payouts.ts'
import { createQuote } from '../operations/create-quote.ts'
import { importPolicies } from '../operations/import-policies.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import { createEvents, type Events } from '../platform/events.ts'
import type { HealthCheck } from '../platform/health.ts'
import { createLogger, type Logger } from '../platform/logger.ts'
import { serveMetrics, type MetricsServer } from '../platform/metrics-server.ts'
import { addProcessMetrics, createMetrics, type Metrics } from '../platform/metrics.ts'
import { observeFlightData } from '../platform/observed-providers.ts'
import { lazyClient } from '../platform/temporal/connection.ts'
import { createApp } from './app.ts'
import { bookMetricsCollector } from './book-metrics.ts'
import { jobMetricsCollector } from './job-metrics.ts'
import { cancelJobRun, listJobRuns, readJobRun } from './job-runs.ts'
import { startJobRun } from './job-starts.ts'
import type { JobsDeps } from './rest/jobs.ts'
import type { PayoutActionDeps } from './rest/payout-actions.ts'
import type { PayoutControlDeps } from './rest/payout-controls.ts'
import type { PoliciesDeps } from './rest/policies.ts'
import type { PolicyCancellationDeps } from './rest/policy-cancellation.ts'
import type { QuotesDeps } from './rest/quotes.ts'
import { createReviewCases } from './review-cases.ts'
import { contactsOf, notificationsOf } from './notification-services.ts'
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
    idempotency: createIdempotencyStore(db),
    ...underwritingOf(parts, events),
    cancellations: cancellationsOf(parts),
    reads: createBookReads(db),
    payoutControls: payoutControlsOf(parts),
    payoutActions: payoutActionsOf(parts),
    reviewCases: createReviewCases({
      db,
      client,
      clock: parts.clock,
      environment: config.environment,
    }),
    notifications: notificationsOf(db),
    contacts: contactsOf(db),
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

function underwritingOf(
  parts: Parts,
  events: Events,
): Pick<PoliciesDeps, 'policies'> & Pick<QuotesDeps, 'quotes'> {
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
  const quoteStore = createQuoteStore(db)
  const deps = {
    quoteStore,
    delayHistory: lazyDelayHistory(),
    policyStore: createPolicyStore(db),
    productStore: createProductStore(db),
    flightData: observeFlightData(flightData, events),
    clock,
    capacityMinor: config.underwriting.capacityMinor,
  }
  return {
    policies: {
      import: (rows) => importPolicies(deps, rows),
      find: (policyNumber) => createPolicyDetailsStore(db).find(policyNumber),
    },
    quotes: {
      create: (request) => createQuote(deps, request),
      find: (quoteId) => quoteStore.find(quoteId),
      bind: (input) => bindQuote(deps, input),
    },
  }
}

function cancellationsOf({ db, clock }: Parts): PolicyCancellationDeps['cancellations'] {
  const deps = { cancellationStore: createCancellationStore(db), clock }
  return { cancel: (input) => cancelPolicy(deps, input) }
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
