/** The figures that the screen and `groundstop status` show, gathered in one go. */
import type { Client } from '@temporalio/client'

import type { ClockStore } from '../../db/stores/clock-store.ts'
import type { Overview, OverviewStore } from '../../db/stores/overview-store.ts'
import type { Instant } from '../../domain/time.ts'
import { instantFromMs } from '../../domain/time.ts'
import { flightMonitor } from '../../jobs/flight-monitor.ts'
import { listStuckRuns, type StuckRun } from '../../platform/temporal/runs.ts'

export type LastTick = {
  readonly workflowId: string
  readonly closedAt: Instant
  readonly durationMs: number
  /** `COMPLETED`, `FAILED`, `TIMED_OUT` ... */
  readonly status: string
}

export type Figures = Overview & {
  readonly now: Instant
  /** Virtual seconds per second; null on wall time. */
  readonly speed: number | null
  /** Null before the first tick ended, or when Temporal does not answer. */
  readonly lastTick: LastTick | null
  /** Open runs whose code fails over and over; null when Temporal does not answer. */
  readonly stuckRuns: readonly StuckRun[] | null
}

export type FiguresDeps = {
  readonly clockStore: ClockStore
  readonly overviewStore: OverviewStore
  /** Null: without the last tick. */
  readonly client: Client | null
}

/** Reads everything. Rejects when the database does not answer; Temporal may be away. */
export async function readFigures(deps: FiguresDeps): Promise<Figures> {
  const reading = await deps.clockStore.read()
  const now = reading?.now ?? instantFromMs(Date.now())
  const { client } = deps
  const [overview, lastTick, stuckRuns] = await Promise.all([
    deps.overviewStore.read(now),
    client === null ? null : readLastTick(client).catch(() => null),
    client === null ? null : listStuckRuns({ client }).catch(() => null),
  ])
  return { ...overview, now, speed: reading?.speed ?? null, lastTick, stuckRuns }
}

/** The tick that ended last; null when none did. */
export async function readLastTick(client: Client): Promise<LastTick | null> {
  // The server lists the most recently closed first.
  const { executions } = await client.workflowService.listWorkflowExecutions({
    namespace: client.options.namespace,
    pageSize: 1,
    query: `WorkflowType = "${flightMonitor.workflow}" and ExecutionStatus != "Running"`,
  })
  const [newest] = executions ?? []
  const workflowId = newest?.execution?.workflowId
  const [startMs, closeMs] = [msOf(newest?.startTime), msOf(newest?.closeTime)]
  if (typeof workflowId !== 'string' || startMs === null || closeMs === null) return null
  return {
    workflowId,
    closedAt: instantFromMs(closeMs),
    durationMs: closeMs - startMs,
    status: STATUS_NAMES[newest?.status ?? 0] ?? 'UNKNOWN',
  }
}

/** `WorkflowExecutionStatus` of the server's protocol, by number. */
const STATUS_NAMES: readonly string[] = [
  'UNKNOWN',
  'RUNNING',
  'COMPLETED',
  'FAILED',
  'CANCELED',
  'TERMINATED',
  'CONTINUED_AS_NEW',
  'TIMED_OUT',
]

type Timestamp = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined

function msOf(timestamp: Timestamp): number | null {
  if (timestamp === null || timestamp === undefined) return null
  return Number(timestamp.seconds ?? 0) * 1_000 + Math.trunc((timestamp.nanos ?? 0) / 1e6)
}
