/** Runs of jobs as they are kept for lists and totals: what one is, and what counts as what. Pure. */
import type { Instant } from './time.ts'

/** How a run stands or ended. `continued`: it goes on in a run with a fresh history. */
export const RUN_STATES = [
  'running',
  'success',
  'failed',
  'timeout',
  'cancelled',
  'terminated',
  'continued',
] as const

/** How a run stands or ended. */
export type RunState = (typeof RUN_STATES)[number]

/** One run as the server lists it. Times are wall time. */
export type RunRecord = {
  readonly runId: string
  readonly workflowId: string
  /** The job's name. */
  readonly job: string
  readonly status: RunState
  /** What an open run says of itself: `held`, `retrying`, `parked`; null when nothing. */
  readonly state: string | null
  /** What started it; null when it was started around our doors. */
  readonly trigger: string | null
  readonly priority: string
  readonly queue: string
  readonly scheduleId: string | null
  /** When the schedule meant it to run. */
  readonly nominalAt: Instant | null
  readonly requestedAt: Instant
  readonly startedAt: Instant
  readonly closedAt: Instant | null
  /** Its code fails over and over without ending it. */
  readonly isStuck: boolean
}

/** Why a run ended without success. */
export type RunEnd = {
  /** Stable type of the innermost failure, `RunTimeout`, `Terminated`, `TerminatedBySystem` or `Other`. */
  readonly type: string
  readonly message: string | null
  /** The attempt that goes on for this one; null when it was the last. */
  readonly nextRunId: string | null
  /** A build id of the code that ended it; null where the server does not tell. */
  readonly version: string | null
  /** Nothing goes on for it, and no person wanted its end. */
  readonly isDead: boolean
}

/** Ends whose reason is worth reading: the others say all with their status. */
export const STATES_WITH_REASON: readonly RunState[] = ['failed', 'timeout', 'terminated']

/** A job's last status as its status page has it: four words, the same for ever. */
export type JobLastStatus = 'success' | 'failed' | 'timeout' | 'running'

/** The word of the status page. A run that somebody stopped did not succeed. */
export function lastStatusOf(status: RunState): JobLastStatus {
  switch (status) {
    case 'success':
    case 'failed':
    case 'timeout':
    case 'running':
      return status
    case 'continued':
      return 'running'
    case 'cancelled':
    case 'terminated':
      return 'failed'
  }
}
