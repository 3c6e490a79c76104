/**
 * The worker process: builds everything, makes the server's schedules what the registry says, and
 * serves task queues until it is told to stop. The composition root; holds no rule of the business.
 */
import { join } from 'node:path'

import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker'

import { loadConfig, type Config } from '../config/config.ts'
import type { JobQueue } from '../jobs/define-job.ts'
import { isScheduled, type SchedulerTerms } from '../jobs/job-environments.ts'
import { allJobs } from '../jobs/registry.ts'
import { createEvents, type Events } from '../platform/events.ts'
import { loadJobPacks, type JobPack } from '../platform/job-packs.ts'
import { createLogger, type Logger } from '../platform/logger.ts'
import { createMetrics, type Metrics } from '../platform/metrics.ts'
import { serveMetrics, type MetricsServer } from '../platform/metrics-server.ts'
import { createRunLines, type RunLines } from '../platform/run-lines.ts'
import { schedulerTermsOf } from '../platform/scheduler-terms.ts'
import { createShutdown, untilAborted } from '../platform/shutdown.ts'
import { connectClient, connectionOptions } from '../platform/temporal/connection.ts'
import {
  JobConflictError,
  startJob,
  type JobStarterDeps,
} from '../platform/temporal/job-starter.ts'
import { payloadConverter } from '../platform/temporal/payload-codec.ts'
import { ensureRetention } from '../platform/temporal/namespace.ts'
import { createPayoutRuns } from '../platform/temporal/payout-runs.ts'
import { createPlacedRuns } from '../platform/temporal/placed-runs.ts'
import { createPrivacyRuns } from '../platform/temporal/privacy-runs.ts'
import { createReviewRuns } from '../platform/temporal/review-runs.ts'
import { createDependencyRuns } from '../platform/temporal/dependency-runs.ts'
import { createJobControl } from '../platform/temporal/job-control.ts'
import { createScheduleStates } from '../platform/temporal/schedule-states.ts'
import { createOpenRuns } from '../platform/temporal/open-runs.ts'
import { createRunSource } from '../platform/temporal/run-source.ts'
import { applySchedules } from '../platform/temporal/schedules-apply.ts'
import { ensureSearchAttributes } from '../platform/temporal/search-attributes.ts'
import { startStartupRuns } from '../platform/temporal/startup-runs.ts'
import { createTaskSchedules, createWatchedTasks } from '../platform/temporal/task-schedules.ts'
import { createPayloadKeyUsage } from '../platform/temporal/payload-key-usage.ts'
import { createWatchedSchedules } from '../platform/temporal/watched-schedules.ts'
import { temporalLogger } from '../platform/temporal-logger.ts'
import { startTracing, tracingOptions, type Tracing } from '../platform/tracing/tracing.ts'
import { activityCorrelation } from './activity-correlation.ts'
import { activityEvents } from './activity-events.ts'
import { activityLines } from './activity-lines.ts'
import { workflowBundle, type BundleOptions, type WorkflowBundle } from './bundle.ts'
import { createPackActivities, type PackActivitiesDeps } from './pack-activities.ts'
import { activitiesOfQueue, queuesInUse, type ActivityFamily } from './queues.ts'
import { openRings } from './rings.ts'
import { createWorkerServices, type WorkerServices, type WorkerServicesDeps } from './services.ts'
import { activityTracing, traceSinks } from './tracing.ts'
import { limitWorkflowThreads, workerTuning } from './tuning.ts'

export type WorkerProcess = {
  readonly env: NodeJS.ProcessEnv
  /** Default: every queue that has jobs. */
  readonly queues?: readonly JobQueue[]
  /** Packs that whoever starts the process has loaded; left out: those of JOB_PACKS are loaded. */
  readonly packs?: readonly JobPack[] | undefined
  /** Told `{"ready":true,...}` as one line when tasks are being taken. */
  readonly stdout: NodeJS.WritableStream
  /** Aborted: steps under way get the grace period, then the process is done. */
  readonly signal: AbortSignal
}

/**
 * Serves until `signal` is aborted. Throws ConfigError, TemporalUnavailableError, and what makes a
 * worker stop by itself; whoever started the process starts it again.
 */
export async function runWorkers(process: WorkerProcess): Promise<void> {
  const { config, secrets } = loadConfig(process.env)
  const packs = process.packs ?? (await loadJobPacks(config.jobPacks))
  const runLines = createRunLines()
  const logger = createLogger({ ...config.log, onLine: runLines.take })
  const metrics = createMetrics()
  const events = createEvents({ logger, metrics })
  await using tracing = await startTracing(tracingOptions(config, secrets, 'worker', logger))
  await using rings = await openRings(config, secrets, logger)
  const keys = rings.payload
  // Building the bundle and connecting do not need each other.
  const [bundle, owned] = await Promise.all([
    bundleOf(config, packs, {
      failures: keys === null ? 'plain' : 'encoded',
      isTraced: tracing !== null,
    }),
    connectClient(config.temporal, { env: process.env, logger, keys }),
  ])
  await using server = owned
  const starter = { client: server.client, terms: config.jobTerms }
  await using services = createWorkerServices({
    config,
    secrets,
    events,
    server: watchedServer(starter),
    placedRuns: createPlacedRuns(server.client),
    rings,
    payloadKeyUsage: keys === null ? null : createPayloadKeyUsage(server.client, keys),
    startPayout: (batchId) => startOnce(starter, 'payout', batchId),
    startNotification: (batchId) => startOnce(starter, 'notification', batchId),
    payoutRuns: createPayoutRuns(starter),
    reviewRuns: createReviewRuns(starter),
    privacyRuns: createPrivacyRuns(starter),
  })
  // What cannot be used ends the process: it would be kept by the runtime from here on.
  const ofPacks = packActivities(packs, services, { env: process.env, logger })
  installRuntime(logger)
  limitWorkflowThreads()
  await using _settings = services.holdSettings(logger)
  await using _lines = services.keepRunLines(runLines, logger)
  await using _keys = services.reportKeys(logger, metrics)
  await using _plans = services.probePlans(logger)
  const terms = schedulerTermsOf(config)
  tellUnscheduled(terms, logger)
  await prepareServer(starter, services, terms)
  await using connection = await ownConnection(config, process.env)
  await using _metrics = await serveMetricsIfFree(config, metrics, logger)
  const workers = await Promise.all(
    (process.queues ?? queuesInUse()).map((taskQueue) =>
      Worker.create({
        connection: connection.native,
        namespace: config.temporal.namespace,
        taskQueue,
        workflowBundle: bundle,
        dataConverter: payloadConverter(keys, (error) =>
          logger.error({ keyId: error.keyId, code: error.code, error }, 'payload-not-opened'),
        ),
        activities: {
          ...activitiesOfQueue(taskQueue, services.activities, services.placeActivities, ofPacks),
          ...services.runActivities,
        },
        ...observedBy({ tracing, events, runLines }),
        ...workerTuning(taskQueue, config),
      }),
    ),
  )
  const served = serve(workers, process.signal)
  tellReady(process.stdout, workers, events)
  await served
  events.processStopped({ process: 'worker', reason: String(process.signal.reason ?? 'done') })
}

/** Who is told of runs and steps. */
function observedBy(of: {
  readonly tracing: Tracing | null
  readonly events: Events
  readonly runLines: RunLines
}): Pick<WorkerOptions, 'interceptors' | 'sinks'> {
  const { tracing, events, runLines } = of
  const traced = tracing === null ? [] : [activityTracing(tracing)]
  // The first is the outermost: events are told under the run's correlation id and within its trace.
  const activity = [
    activityCorrelation(),
    ...traced,
    activityEvents(events),
    activityLines(runLines),
  ]
  return {
    interceptors: { activity },
    ...(tracing === null ? {} : { sinks: traceSinks(tracing) }),
  }
}

/** Runs and schedules as the Temporal server has them. */
function watchedServer({ client, terms }: Required<JobStarterDeps>): WorkerServicesDeps['server'] {
  return {
    runSource: createRunSource(client),
    watched: createWatchedSchedules(client, terms),
    jobControl: createJobControl(client),
    openRuns: createOpenRuns(client),
    dependencyRuns: createDependencyRuns(client),
    scheduleStates: createScheduleStates(client),
    taskSchedules: createTaskSchedules(client, terms),
    watchedTasks: (taskStore) => createWatchedTasks(client, terms, taskStore),
  }
}

function bundleOf(
  { homeDir }: Config,
  packs: readonly JobPack[],
  traits: Omit<BundleOptions, 'packs'>,
): Promise<WorkflowBundle> {
  return workflowBundle(join(homeDir, 'cache'), { ...traits, packs })
}

function packActivities(
  packs: readonly JobPack[],
  { activities, placeActivities, runActivities, clock }: WorkerServices,
  of: Pick<PackActivitiesDeps, 'env' | 'logger'>,
): ReadonlyMap<string, ActivityFamily> {
  const families = [...Object.values(activities), placeActivities, runActivities]
  const taken = families.flatMap((family) => Object.keys(family))
  return createPackActivities(packs, { ...of, clock, taken })
}

/** Own heartbeats are what `workers {available, busy, total}` is counted from. */
const WORKER_HEARTBEAT_INTERVAL = '5 seconds'

function installRuntime(logger: Logger): void {
  Runtime.install({
    logger: temporalLogger(logger),
    // Signals are handled in one place, which aborts `signal`.
    shutdownSignals: [],
    workerHeartbeatInterval: WORKER_HEARTBEAT_INTERVAL,
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  })
}

/** Search attributes, retention, schedules and runs on start-up; every worker does it, and only the first has to. */
async function prepareServer(
  starter: JobStarterDeps,
  services: WorkerServices,
  terms: SchedulerTerms,
): Promise<void> {
  const { client } = starter
  await ensureSearchAttributes(client)
  await ensureRetention(client)
  const record = services.auditSchedule
  const options = { speed: await services.clockSpeed(), terms }
  await startStartupRuns(starter, await applySchedules({ client, record }, options), terms)
}

/** Jobs that nobody fires are to be known of before they are missed. */
function tellUnscheduled(terms: SchedulerTerms, logger: Logger): void {
  const jobs = allJobs().filter((job) => job.schedule !== undefined && !isScheduled(job, terms))
  if (jobs.length === 0) return
  logger.info({ ...terms, jobs: jobs.map(({ name }) => name) }, 'jobs-not-scheduled')
}

async function startOnce(
  starter: JobStarterDeps,
  job: 'payout' | 'notification',
  batchId: string,
): Promise<void> {
  try {
    await startJob(starter, { job, input: { batchId }, trigger: 'run' })
  } catch (error) {
    // It ran already: what started it was lost before it could write that down.
    if (!(error instanceof JobConflictError)) throw error
  }
}

async function ownConnection(
  config: Config,
  env: NodeJS.ProcessEnv,
): Promise<AsyncDisposable & { readonly native: NativeConnection }> {
  const native = await NativeConnection.connect(connectionOptions(config.temporal, env))
  return { native, [Symbol.asyncDispose]: () => native.close() }
}

/** Several workers may share a machine: the first has the port, the others go without. */
async function serveMetricsIfFree(
  config: Config,
  metrics: Metrics,
  logger: Logger,
): Promise<MetricsServer | undefined> {
  try {
    return await serveMetrics({ ...config.metrics, metrics, logger })
  } catch (error) {
    logger.warn({ ...config.metrics, error }, 'metrics-port-not-had')
    return undefined
  }
}

/** Runs all workers. When one ends, by the signal or by itself, the others are stopped too. */
async function serve(workers: readonly Worker[], signal: AbortSignal): Promise<void> {
  const runs = workers.map((worker) => worker.run())
  await Promise.race([untilAborted(signal), ...runs]).catch(() => undefined) // thrown again below
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
  const ends = await Promise.allSettled(runs)
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

function tellReady(
  stdout: NodeJS.WritableStream,
  workers: readonly Worker[],
  events: Events,
): void {
  const queues = workers.map((worker) => worker.options.taskQueue)
  stdout.write(`${JSON.stringify({ ready: true, queues })}\n`)
  events.processStarted({ process: 'worker' })
}

if (import.meta.main) {
  using shutdown = createShutdown()
  await runWorkers({ env: process.env, stdout: process.stdout, signal: shutdown.signal })
}
