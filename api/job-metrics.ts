/**
 * Metrics of jobs from what the Temporal server knows, so that time-outs and terminations which no
 * worker saw are counted too. Gauges are read at a scrape; counters grow by the runs that started or
 * ended since the last one, beginning with the start of this process.
 */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client'

import { instantFromMs, SECOND_MS, type Instant } from '../domain/time.ts'
import { JOB_PRIORITIES, type JobPriority } from '../jobs/define-job.ts'
import { allJobs, findJobOfWorkflow, type AnyJob } from '../jobs/registry.ts'
import { retryLabel, type Metrics, type RunStatus } from '../platform/metrics.ts'
import type { Collector } from '../platform/metrics-server.ts'
import { listedRun } from '../platform/temporal/listed-run.ts'
import { statusOfRun, withinDeadline, workflowTypeQuery } from '../platform/temporal/job-runs.ts'
import { readRunTrail, type RunTrail } from './run-trail.ts'
import { readSchedulerState } from './scheduler-state.ts'

/** The server's lists lag by some 50 ms; what is younger is left for the next scrape. */
const VISIBILITY_LAG_MS = SECOND_MS
const PAGE_SIZE = 500
/** Runs counted at one scrape: more in 15 s than the server can carry out. */
const RUNS_LIMIT = 2_000
/** Histories read at one scrape; beyond it retries are not counted and failures are `unread`. */
const TRAILS_LIMIT = 100
/** Schedules read at one scrape. */
const SCHEDULES_LIMIT = 500

type Deps = { readonly client: Client; readonly metrics: Metrics }

/** What a metrics server calls before a scrape. Calls that overlap share one pass. */
export function jobMetricsCollector(deps: Deps): Collector {
  let countedUntilMs = Date.now()
  let pass: Promise<void> | null = null
  const collect = async (): Promise<void> => {
    const untilMs = Date.now() - VISIBILITY_LAG_MS
    await withinDeadline(deps.client, async () => {
      await Promise.all([readGauges(deps), readScheduled(deps)])
      if (untilMs <= countedUntilMs) return
      // All is read before anything is counted: a pass that fails is repeated from the same moment.
      const changes = await readChanges(deps.client, countedUntilMs, untilMs)
      countChanges(deps.metrics, changes)
      countedUntilMs = untilMs
    })
  }
  return {
    source: 'temporal',
    collect: () => {
      pass ??= collect().finally(() => {
        pass = null
      })
      return pass
    },
  }
}

async function readGauges({ client, metrics }: Deps): Promise<void> {
  const { queues, workers } = await readSchedulerState(client)
  for (const priority of JOB_PRIORITIES) {
    const size = queues.reduce((sum, queue) => sum + queue.byPriority[priority], 0)
    metrics.queueSize.set({ priority }, size)
  }
  for (const queue of queues) metrics.activeWorkers.set({ queue: queue.name }, queue.workers)
  metrics.workerSlots.set({ state: 'available' }, workers.available)
  metrics.workerSlots.set({ state: 'busy' }, workers.busy)
}

async function readScheduled({ client, metrics }: Deps): Promise<void> {
  const counts = new Map<AnyJob, number>(allJobs().map((job) => [job, 0]))
  const count = (workflowType: string | undefined, by: number): void => {
    const job = workflowType === undefined ? undefined : findJobOfWorkflow(workflowType)
    if (job !== undefined) counts.set(job, (counts.get(job) ?? 0) + by)
  }
  let seen = 0
  for await (const schedule of client.schedule.list()) {
    if (!schedule.state.paused) count(schedule.action?.workflowType, 1)
    seen += 1
    if (seen >= SCHEDULES_LIMIT) break
  }
  const now = instantFromMs(Date.now())
  await Promise.all(
    allJobs().map(async (job) => {
      const waiting = `ExecutionStatus = "Running" AND ExecutionTime > "${now}"`
      const answer = await client.workflow.count(`${workflowTypeQuery([job])} AND ${waiting}`)
      count(job.workflow, answer.count)
    }),
  )
  for (const [job, total] of counts) metrics.scheduledJobs.set({ job_type: job.type }, total)
}

type EndedRun = {
  readonly info: WorkflowExecutionInfo
  readonly job: AnyJob
  readonly trail: RunTrail | null
}

type Changes = {
  readonly started: readonly { readonly job: AnyJob; readonly priority: JobPriority }[]
  readonly ended: readonly EndedRun[]
}

async function readChanges(client: Client, fromMs: number, toMs: number): Promise<Changes> {
  const [from, to] = [instantFromMs(fromMs), instantFromMs(toMs)]
  const [started, ended] = await Promise.all([
    listRuns(client, within('StartTime', from, to)),
    listRuns(client, within('CloseTime', from, to)),
  ])
  return {
    started: started.map(({ info, job }) => ({ job, priority: priorityOf(info, job) })),
    ended: await withTrails(client, ended),
  }
}

function within(attribute: string, from: Instant, to: Instant): string {
  return `${attribute} > "${from}" AND ${attribute} <= "${to}"`
}

type FoundRun = Omit<EndedRun, 'trail'>

async function listRuns(client: Client, condition: string): Promise<FoundRun[]> {
  const { namespace } = client.options
  const query = `${workflowTypeQuery(allJobs())} AND ${condition}`
  const runs: FoundRun[] = []
  let nextPageToken: Uint8Array = new Uint8Array()
  do {
    const page = await client.workflowService.listWorkflowExecutions({
      namespace,
      query,
      pageSize: PAGE_SIZE,
      nextPageToken,
    })
    for (const raw of page.executions) {
      const info = await listedRun(client, raw)
      const job = findJobOfWorkflow(info.type)
      if (job !== undefined) runs.push({ info, job })
    }
    nextPageToken = page.nextPageToken
  } while (nextPageToken.length > 0 && runs.length < RUNS_LIMIT)
  return runs
}

async function withTrails(client: Client, runs: readonly FoundRun[]): Promise<EndedRun[]> {
  // Failures first: why a run failed matters more than how often a good one tried.
  const sorted = runs.toSorted((a, b) => rank(a.info) - rank(b.info))
  const ended: EndedRun[] = []
  for (const [i, run] of sorted.entries()) {
    const trail = i < TRAILS_LIMIT ? await readRunTrail(client, run.info) : null
    ended.push({ ...run, trail })
  }
  return ended
}

function rank(info: WorkflowExecutionInfo): number {
  return statusOfRun(info) === 'failed' ? 0 : 1
}

function priorityOf(info: WorkflowExecutionInfo, job: AnyJob): JobPriority {
  const given: unknown = info.searchAttributes['JobPriority']?.[0]
  return JOB_PRIORITIES.find((priority) => priority === given) ?? job.priority
}

function countChanges(metrics: Metrics, { started, ended }: Changes): void {
  for (const { job, priority } of started) {
    metrics.jobsEnqueued.inc({ job_type: job.type, priority })
  }
  for (const { info, job, trail } of ended) {
    const status = statusOfRun(info)
    metrics.jobsCompleted.inc({ job_type: job.type, status })
    const startMs = (info.executionTime ?? info.startTime).getTime()
    const endMs = info.closeTime?.getTime() ?? startMs
    metrics.jobDuration.observe({ job_type: job.type }, Math.max(0, endMs - startMs) / SECOND_MS)
    const error = errorLabel(status, trail)
    if (error !== null) metrics.jobsFailed.inc({ job_type: job.type, error })
    for (const retry of trail?.retries ?? []) {
      metrics.jobsRetried.inc({ job_type: job.type, retry_count: retryLabel(retry) })
    }
  }
}

function errorLabel(status: RunStatus, trail: RunTrail | null): string | null {
  if (status === 'success' || status === 'cancelled') return null
  return status === 'failed' ? (trail?.errorType ?? 'unread') : status
}
