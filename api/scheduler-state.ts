/**
 * How the scheduler is doing, read from the Temporal server at the moment of asking: open runs,
 * backlog by queue and priority, live workers and their slots.
 */
import type { Client } from '@temporalio/client'

import {
  JOB_PRIORITIES,
  PRIORITY_KEYS,
  type JobPriority,
  type JobQueue,
} from '../jobs/define-job.ts'
import { allJobs } from '../jobs/registry.ts'
import { listStuckRuns, type StuckRun } from '../platform/temporal/runs.ts'
import { withinDeadline, workflowTypeQuery } from '../platform/temporal/job-runs.ts'

/** One task queue: tasks that wait for a worker, and who works on it. */
export type QueueState = {
  readonly name: JobQueue
  /** Workflow and activity tasks that wait. */
  readonly size: number
  /** Age of the task that waits longest, seconds. */
  readonly oldestAgeS: number
  readonly workers: number
  readonly byPriority: Readonly<Record<JobPriority, number>>
}

/** Activity slots of the live workers. */
export type WorkerSlots = {
  readonly available: number
  readonly busy: number
  readonly total: number
}

/** The scheduler at one moment. */
export type SchedulerState = {
  /** `running`: there is a live worker. `degraded`: the server answers, but nobody works. */
  readonly status: 'running' | 'degraded'
  /** Runs that are open now, those that wait for their time included. */
  readonly activeJobs: number
  /** Tasks that wait for a worker, over all queues. */
  readonly queueSize: number
  readonly workers: WorkerSlots
  /** Worker processes, each of which serves one or more queues. */
  readonly workerProcesses: number
  readonly queues: readonly QueueState[]
  /** Open runs whose code fails over and over without ending them, at most 20. */
  readonly stuckRuns: readonly StuckRun[]
}

/** Workers beat every 5 s; one not heard of for longer is gone: a killed one stays listed. */
const HEARTBEAT_AGE_MS = 20_000

/** Workers asked for at most; a deployment with more needs another kind of overview. */
const WORKERS_LIMIT = 1_000

/** `TASK_QUEUE_TYPE_WORKFLOW` and `TASK_QUEUE_TYPE_ACTIVITY`. */
const TASK_QUEUE_TYPES = [1, 2] as const

/** All queues that some job uses, each once. */
export function jobQueues(): readonly JobQueue[] {
  return [...new Set(allJobs().map((job) => job.queue))]
}

/** Reads the state within 5 s, or fails with the gRPC error. */
export async function readSchedulerState(client: Client): Promise<SchedulerState> {
  return withinDeadline(client, async () => {
    const [activeJobs, workers, stuckRuns, backlogs] = await Promise.all([
      countOpenRuns(client),
      readLiveWorkers(client),
      listStuckRuns({ client }),
      Promise.all(jobQueues().map((queue) => readBacklog(client, queue))),
    ])
    const queues = backlogs.map((backlog) => ({
      ...backlog,
      workers: workers.filter((worker) => worker.queue === backlog.name).length,
    }))
    const available = sum(workers.map((worker) => worker.available))
    const busy = sum(workers.map((worker) => worker.busy))
    return {
      status: workers.length > 0 ? 'running' : 'degraded',
      activeJobs,
      queueSize: sum(queues.map((queue) => queue.size)),
      workers: { available, busy, total: available + busy },
      workerProcesses: new Set(workers.map((worker) => worker.process)).size,
      queues,
      stuckRuns,
    } as const
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

async function countOpenRuns(client: Client): Promise<number> {
  const query = `${workflowTypeQuery(allJobs())} AND ExecutionStatus = "Running"`
  return (await client.workflow.count(query)).count
}

type LiveWorker = {
  readonly queue: string
  readonly process: string
  readonly available: number
  readonly busy: number
}

/** A 64-bit number of the wire: a Long, a number or its text, depending on who decoded it. */
type Wire64 = number | string | { toNumber(): number } | null | undefined

function wireNumber(value: Wire64): number {
  return typeof value === 'object' && value !== null ? value.toNumber() : Number(value ?? 0)
}

type Timestamp = { readonly seconds?: Wire64; readonly nanos?: number | null }

function timestampMs(timestamp: Timestamp | null | undefined): number {
  return wireNumber(timestamp?.seconds) * 1_000 + (timestamp?.nanos ?? 0) / 1e6
}

async function readLiveWorkers(client: Client): Promise<readonly LiveWorker[]> {
  const queues = jobQueues().map((queue) => `TaskQueue = "${queue}"`)
  const response = await client.workflowService.listWorkers({
    namespace: client.options.namespace,
    pageSize: WORKERS_LIMIT,
    query: `(${queues.join(' OR ')}) AND WorkerStatus = "Running"`,
  })
  const aliveSinceMs = Date.now() - HEARTBEAT_AGE_MS
  return response.workersInfo.flatMap(({ workerHeartbeat: beat }) => {
    if (beat === null || beat === undefined) return []
    if (timestampMs(beat.heartbeatTime) < aliveSinceMs) return []
    const host = beat.hostInfo
    return [
      {
        queue: beat.taskQueue ?? '',
        process: `${host?.hostName ?? ''}/${host?.processId ?? beat.workerIdentity ?? ''}`,
        available: beat.activityTaskSlotsInfo?.currentAvailableSlots ?? 0,
        busy: beat.activityTaskSlotsInfo?.currentUsedSlots ?? 0,
      },
    ]
  })
}

type Backlog = Omit<QueueState, 'workers'>

async function readBacklog(client: Client, name: JobQueue): Promise<Backlog> {
  const answers = await Promise.all(
    TASK_QUEUE_TYPES.map((taskQueueType) =>
      client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name },
        taskQueueType,
        reportStats: true,
      }),
    ),
  )
  const count = (stats: { approximateBacklogCount?: Wire64 } | null | undefined): number =>
    wireNumber(stats?.approximateBacklogCount)
  const ages = answers.map(({ stats }) => timestampMs(stats?.approximateBacklogAge) / 1_000)
  const byPriority = JOB_PRIORITIES.map((priority) => {
    const key = PRIORITY_KEYS[priority]
    return [priority, sum(answers.map((answer) => count(answer.statsByPriorityKey?.[key])))]
  })
  return {
    name,
    size: sum(answers.map(({ stats }) => count(stats))),
    oldestAgeS: Math.max(0, ...ages),
    byPriority: Object.fromEntries(byPriority) as Record<JobPriority, number>, // all priorities
  }
}
