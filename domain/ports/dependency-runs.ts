/** What a job that runs after others must know of them. */
import type { FireSpec } from '../expected-fires.ts'
import type { RunState } from '../run.ts'
import type { Instant } from '../time.ts'

/** The schedule of a job as the server has it. */
export type DependencySchedule = {
  readonly spec: FireSpec
  /** How much later than the named times it fires, milliseconds: already in `spec`. */
  readonly spreadMs: number
  readonly isPaused: boolean
  readonly createdAt: Instant
}

/** The last attempt of a fire's run. */
export type DependencyRun = {
  readonly status: RunState
  readonly closedAt: Instant | null
  /** Why it ended without success; null when it did not, or nobody knows. */
  readonly reason: string | null
}

/** Reads schedules and runs of jobs by their names. Errors are the server's and may be retried. */
export interface DependencyRuns {
  /** Null when the server has no schedule of the job. */
  readSchedule(job: string): Promise<DependencySchedule | null>
  /** The run of a nominal time; null when there is none. */
  readRun(job: string, nominalAt: Instant): Promise<DependencyRun | null>
  /** Whether a later run of the same schedule or business key began after `since` and succeeded. */
  hasSucceededSince(job: string, since: Instant): Promise<boolean>
}
