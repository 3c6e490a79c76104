/** Limits of each queue's worker, with their reasons. A change takes effect when workers restart. */
import v8 from 'node:v8'

import type { WorkerOptions } from '@temporalio/worker'

import type { Config } from '../config/config.ts'
import type { JobEnvironment, JobQueue } from '../jobs/define-job.ts'

/** Activities that one process carries out at once, per queue. */
const ACTIVITIES_AT_ONCE: Readonly<Record<JobQueue, Readonly<Record<JobEnvironment, number>>>> = {
  // Eight shards of a page, and the steps of other runs beside.
  monitoring: { development: 10, staging: 10, production: 10 },
  // Each has 32 transfers on the wire and a database connection for a moment.
  payouts: { development: 10, staging: 10, production: 10 },
  notifications: { development: 5, staging: 10, production: 10 },
  maintenance: { development: 1, staging: 2, production: 2 },
  reports: { development: 2, staging: 3, production: 3 },
}

/**
 * Runs kept in memory between their tasks, about 1.1 MB each, most of it the schemas of the input
 * check. One that is not kept is replayed, some 20 ms for ours.
 */
const CACHED_RUNS: Readonly<Record<JobQueue, number>> = {
  // Ticks do not overlap; checks of single policies may.
  monitoring: 8,
  payouts: 80,
  notifications: 40,
  maintenance: 4,
  reports: 4,
}

/**
 * Memory of a workflow thread, one per queue: twice what its cached runs need. Left alone, V8 lets
 * garbage of finished runs grow to gigabytes on a large machine: 870 MB after 100 ticks, seen.
 */
const WORKFLOW_THREAD_HEAP_MB = 192

/** Sets limits of the workflow threads' memory. Call it before workers are created. */
export function limitWorkflowThreads(): void {
  // Flags set at run time hold for threads started afterwards, not for this one.
  v8.setFlagsFromString(`--max-old-space-size=${WORKFLOW_THREAD_HEAP_MB}`)
  v8.setFlagsFromString('--max-semi-space-size=4')
}

/**
 * After the grace period a step that ignores its cancellation may hold the process this long. Longer than
 * the longest wait that hears of it only afterwards: maintenance waits three seconds for a lock.
 */
const FORCE_AFTER_GRACE_MS = 4_000

/** Steps at once of a queue in one process: what the configuration says, else the environment's number. */
function activitiesAtOnce(queue: JobQueue, { environment, worker }: TuningConfig): number {
  const isMain = queue === 'monitoring' || queue === 'payouts'
  const configured = isMain ? worker.maxConcurrentJobs : worker.taskExecutorConcurrency
  return configured ?? ACTIVITIES_AT_ONCE[queue][environment]
}

type TuningConfig = Pick<Config, 'environment' | 'worker'>

/** Options of a queue's worker. */
export function workerTuning(queue: JobQueue, config: TuningConfig): Partial<WorkerOptions> {
  // What steps get to finish when the worker is stopped.
  const graceMs = config.worker.shutdownGraceMs
  return {
    maxConcurrentActivityTaskExecutions: activitiesAtOnce(queue, config),
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentLocalActivityExecutions: 10,
    maxCachedWorkflows: CACHED_RUNS[queue],
    workflowTaskPollerBehavior: { type: 'autoscaling', minimum: 2, initial: 2, maximum: 8 },
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 2, maximum: 8 },
    // Tasks of a worker that died go to another after this, instead of the default 10 s.
    stickyQueueScheduleToStartTimeout: '2 seconds',
    // Heartbeat timeouts are 3 s and more: with the default throttle of 0.8 x one slow beat is a loss.
    maxHeartbeatThrottleInterval: '1 second',
    defaultHeartbeatThrottleInterval: '1 second',
    shutdownGraceTime: graceMs,
    shutdownForceTime: graceMs + FORCE_AFTER_GRACE_MS,
  }
}
