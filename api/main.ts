/**
 * The API process: builds everything that the routes need, listens, and stops. It listens before
 * Temporal and the database answer, so that health and clock can be asked from the first moment.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import type { Client } from '@temporalio/client'
import type { Express } from 'express'
import { openKeyRing } from '../adapters/secrets/key-ring-sources.ts'
import { openKeyWrapping } from '../adapters/secrets/key-wrapping.ts'
import {
  ConfigError,
  isLocalOnly,
  isLoopback,
  type Config,
  type Secrets,
} from '../config/config.ts'
import { createDatabase, type Database } from '../db/client.ts'
import { assertSchemaCurrent } from '../db/schema-state.ts'
import { createAirportCache } from '../db/stores/airport-cache.ts'
import { createBookReads } from '../db/stores/book-reads.ts'
import { createBookTotalsStore } from '../db/stores/book-totals.ts'
import { createClockStore } from '../db/stores/clock-store.ts'
import { createCoverSwitches } from '../db/stores/cover-switch-store.ts'
import { createDeadLetterStore } from '../db/stores/dead-letter-store.ts'
import { createIdempotencyStore } from '../db/stores/idempotency-store.ts'
import { createKeyHolderStore } from '../db/stores/key-holder-store.ts'
import { createLatencyLog } from '../db/stores/latency-log.ts'
import { createPrivacyRequestStore } from '../db/stores/privacy-request-store.ts'
import { createProviderHealthStore } from '../db/stores/provider-health-store.ts'
import { createRunLogStore } from '../db/stores/run-log-store.ts'
import { createRunChanges } from '../db/stores/run-changes.ts'
import { createRunReads } from '../db/stores/run-reads.ts'
import { createScheduleWatchStore } from '../db/stores/schedule-watch-store.ts'
import type { ClockReading } from '../domain/ports/clock.ts'
import { instantFromMs } from '../domain/time.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import { createEvents } from '../platform/events.ts'
import type { HealthCheck } from '../platform/health.ts'
import { reportKeys } from '../platform/key-reports.ts'
import { createLogger } from '../platform/logger.ts'
import { serveMetrics, type MetricsServer } from '../platform/metrics-server.ts'
import { addProcessMetrics, createMetrics } from '../platform/metrics.ts'
import { lazyClient } from '../platform/temporal/connection.ts'
import { startTracing, tracingOptions } from '../platform/tracing/tracing.ts'
import { accessOf } from './access-parts.ts'
import { createPayloadCodec } from '../platform/temporal/payload-codec.ts'
import { createApp, type AppDeps } from './app.ts'
import { bookMetricsCollector } from './book-metrics.ts'
import { jobMetricsCollector } from './job-metrics.ts'
import { providerMetricsCollector } from './provider-metrics.ts'
import { createReviewCases } from './review-cases.ts'
import { runMetricsCollector } from './run-metrics.ts'
import { contactsOf, notificationsOf } from './notification-parts.ts'
import { readSchedulerState } from './scheduler-state.ts'
import { readTokenFile } from './token-file.ts'
import {
  deadLettersOf,
  controlOf,
  jobLimitsOf,
  jobsOf,
  reschedulesOf,
  schedulesOf,
} from './job-parts.ts'
import type { ApiOptions, ApiParts } from './parts.ts'
import { payoutActionsOf, payoutControlsOf, stripeWebhooksOf } from './payment-parts.ts'
import { appealsOf, cancellationsOf, underwritingOf } from './policy-parts.ts'
import { reportsOf } from './report-parts.ts'
import { privacyMetricsCollector } from './privacy-metrics.ts'
import { privacyOf } from './privacy-parts.ts'
import { holdSettings, settingsOf } from './setting-parts.ts'
import { tasksOf } from './task-parts.ts'
import { keepTenantDoors } from './tenant-databases.ts'

/** An API that listens; disposing it stops it. */
export type RunningApi = AsyncDisposable & {
  /** Where it listens: `http://127.0.0.1:3000`. */
  readonly url: string
  /** Where `/metrics` is: `http://127.0.0.1:9090`. */
  readonly metricsUrl: string
}

/** Requests get this long to finish when the process stops. */
const DRAIN_MS = 3_000
const SWEEP_MS = 50
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
  const ownLogger = createLogger(config.log)
  const logger = options.logger ?? ownLogger
  const metrics = createMetrics()
  addProcessMetrics(metrics)
  await using stack = new AsyncDisposableStack()
  stack.use(await startTracing(tracingOptions(config, secrets, 'api', logger)))
  const db = createDatabase(databaseUrlOf(secrets), {
    max: config.database.poolMax,
    applicationName: 'groundstop api',
  })
  stack.defer(() => db.destroy())
  stack.use(holdSettings(db, config, ownLogger))
  const keys = await openKeys({ ...options, logger, metrics, db, stack })
  const { client } = stack.use(lazyClient(config.temporal, accessTo(env, keys)))
  const clockStore = createClockStore(db)
  const clock = createVirtualClock(clockStore)
  const listening = Promise.withResolvers<string>()
  const stopping = new AbortController()
  const app = buildApp({
    ...options,
    logger,
    metrics,
    db,
    client,
    clockStore,
    clock,
    stack,
    grants: await readTokenFile(config.api.tokensFile),
    listensAt: listening.promise,
    keys,
    stopping: stopping.signal,
  })
  const metricsServer: MetricsServer = await serveMetrics({
    ...config.metrics,
    metrics,
    token: isLoopback(config.metrics.host) ? undefined : (secrets.apiToken ?? undefined),
    collect: [
      jobMetricsCollector({ client, metrics }),
      providerMetricsCollector({ healthStore: createProviderHealthStore(db), metrics }),
      bookMetricsCollector({
        totals: createBookTotalsStore(db),
        latencies: createLatencyLog(db),
        clock,
        metrics,
      }),
      privacyMetricsCollector({ privacyRequests: createPrivacyRequestStore(db), metrics }),
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
  stack.defer(() => drain(server, stopping))
  const url = urlOf(config.api.host, server)
  listening.resolve(url)
  const owned = stack.move()
  return {
    url,
    metricsUrl: metricsServer.url,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** How Temporal is reached. */
function accessTo(env: ApiOptions['env'], keys: ApiParts['keys']) {
  return { env, keys, connectTimeoutMs: CONNECT_TIMEOUT_MS }
}

/** The ring of payloads; that this process has it is told to whoever rotates keys. */
async function openKeys(
  parts: Pick<ApiParts, 'config' | 'secrets' | 'logger' | 'metrics' | 'db' | 'stack'>,
): Promise<ApiParts['keys']> {
  const { config, secrets, logger, metrics, db, stack } = parts
  const { keysFile, kmsKey } = config.payloads
  const wrapping = await openKeyWrapping(kmsKey)
  const place = { file: keysFile, text: secrets.payloadKeys, wrapping }
  const keys = await openKeyRing(place, (error) => logger.warn({ error }, 'payload-keys-not-read'))
  stack.use(keys)
  const holders = createKeyHolderStore(db)
  const processId = `api ${hostname()}:${process.pid}`
  const rings = { payload: keys, webhook: null }
  stack.use(reportKeys({ holders, rings, processId, metrics, logger }))
  return keys
}

function requireSafeDoors(config: Config, secrets: Secrets): void {
  const open = [
    ['API_HOST', config.api.tokensFile === null ? config.api.host : undefined],
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

function buildApp(parts: ApiParts): Express {
  const { config, secrets, logger, metrics, db, client, clockStore } = parts
  const events = createEvents({ logger, metrics })
  const house: AppDeps = {
    doorsOf: keepTenantDoors(parts, databaseUrlOf(secrets), () => house),
    logger,
    events,
    tokens: { token: secrets.apiToken, grants: parts.grants },
    isLoopback: isLocalOnly(config.api),
    trustedProxies: config.api.trustedProxies,
    ...accessOf(parts),
    checks: healthChecks(db, client),
    readClock: async (): Promise<ClockReading> =>
      (await clockStore.read()) ?? { now: instantFromMs(Date.now()), speed: 1 },
    readState: () => readSchedulerState(client),
    startedAtMs: Date.now(),
    jobs: jobsOf(parts),
    readJobLimits: () => jobLimitsOf(parts),
    ...reschedulesOf(parts),
    runLog: createRunLogStore(db),
    schedules: schedulesOf(parts),
    runReads: createRunReads(db),
    runChanges: createRunChanges(db),
    stopping: parts.stopping,
    livePace: parts.livePace,
    deadLetters: deadLettersOf(parts),
    control: controlOf(parts),
    tasks: tasksOf(parts),
    settings: settingsOf(parts),
    listCoverSwitches: () => createCoverSwitches(db).list(),
    idempotency: createIdempotencyStore(db),
    ...underwritingOf(parts, events),
    cancellations: cancellationsOf(parts),
    appeals: appealsOf(parts),
    readProviders: () => createProviderHealthStore(db).list(),
    findAirport: (code) => createAirportCache(db).find(code),
    reads: createBookReads(db),
    ...reportsOf(parts),
    payoutControls: payoutControlsOf(parts),
    payoutActions: payoutActionsOf(parts),
    reviewCases: createReviewCases({
      db,
      client,
      clock: parts.clock,
      terms: config.jobTerms,
    }),
    stripeWebhooks: stripeWebhooksOf(parts),
    notifications: notificationsOf(parts),
    contacts: contactsOf(parts),
    privacy: privacyOf(parts),
    payloadCodec: createPayloadCodec(parts.keys),
    codecOrigins: config.payloads.codecOrigins,
  }
  return createApp(house)
}

function healthChecks(db: Database, client: Client): Record<string, HealthCheck> {
  return {
    database: () => assertSchemaCurrent(db),
    temporal: () => client.workflowService.getSystemInfo({}),
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

/** Sends away who follows something, lets requests at work finish, then cuts the rest off. */
async function drain(server: Server, stopping: AbortController): Promise<void> {
  stopping.abort()
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  // Connections of streams are idle once their clients were sent away.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  clearInterval(sweep)
  clearTimeout(cut)
}
