/** What the scheduler is doing, in one page. */
import type { Express } from 'express'
import { z } from 'zod'

import { instantFromMs, type Instant } from '../../domain/time.ts'
import { addRoute } from '../routes.ts'
import type { SchedulerState } from '../scheduler-state.ts'
import { instantShape } from '../shapes.ts'

/** What the route needs. */
export type SchedulerStatusDeps = {
  readonly readState: () => Promise<SchedulerState>
  /** When this process started, epoch milliseconds. */
  readonly startedAtMs: number
}

const state = z.strictObject({
  status: z.enum(['running', 'degraded']),
  activeJobs: z.int(),
  queueSize: z.number(),
  workers: z.strictObject({ available: z.int(), busy: z.int(), total: z.int() }),
  uptime: z.string(),
  startedAt: instantShape,
  workerProcesses: z.int(),
  queues: z.array(z.looseObject({ name: z.string(), size: z.number() })),
  stuckRuns: z.unknown(),
})

/** `GET /api/admin/scheduler/status`. */
export function addSchedulerStatusRoute(app: Express, deps: SchedulerStatusDeps): void {
  addRoute(
    app,
    '/api/admin/scheduler/status',
    {
      get: async (_request, response) => {
        response.json(await readStatus(deps))
      },
    },
    {
      get: {
        summary: 'What the scheduler is doing',
        permission: 'operations.read',
        answers: { 200: state },
      },
    },
  )
}

/** The status as it is answered. */
export type SchedulerStatus = SchedulerState & {
  readonly uptime: string
  readonly startedAt: Instant
}

/** Reads the status. */
export async function readStatus(deps: SchedulerStatusDeps): Promise<SchedulerStatus> {
  const { status, ...state } = await deps.readState()
  return {
    status,
    activeJobs: state.activeJobs,
    queueSize: state.queueSize,
    workers: state.workers,
    uptime: formatUptime(Date.now() - deps.startedAtMs),
    startedAt: instantFromMs(deps.startedAtMs),
    workerProcesses: state.workerProcesses,
    queues: state.queues,
    stuckRuns: state.stuckRuns,
  }
}

/** A duration as `2d 14h 32m`, rounded down to the minute. */
export function formatUptime(durationMs: number): string {
  const minutes = Math.max(0, Math.floor(durationMs / 60_000))
  return `${Math.floor(minutes / 1_440)}d ${Math.floor(minutes / 60) % 24}h ${minutes % 60}m`
}
