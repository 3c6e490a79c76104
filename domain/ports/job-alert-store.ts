/** Trouble of jobs that their owners are to be told of, and what of it is over. */
import type { JobFreshness } from '../job-lateness.ts'
import type { Instant } from '../time.ts'

/** Open dead letters of one error group that nobody was told of. */
export type UntoldFailure = {
  readonly job: string
  readonly kind: 'failed' | 'parked'
  readonly groupId: string
  readonly errorType: string
  /** Without ids and numbers. */
  readonly message: string
  readonly runs: number
  readonly runIds: readonly string[]
  /** Of the first of them. */
  readonly workflowId: string
  readonly diedAt: Instant
}

/** An error group that was told of, and of which nothing is open any more. */
export type EndedFailure = Pick<UntoldFailure, 'job' | 'kind' | 'groupId' | 'errorType' | 'message'>

/** Reads trouble; telling is the notice store's. */
export interface JobAlertStore {
  /** The oldest first. */
  listUntold(groupsAtMost: number): Promise<UntoldFailure[]>
  /** Remembers that these letters were told of, or need not be. */
  markTold(runIds: readonly string[]): Promise<void>
  /** Letters are over when a later run succeeded, or a redriven one has closed, or a person discarded them. */
  listEnded(atMost: number): Promise<EndedFailure[]>
  /** Of those whose schedule is watched. */
  freshness(jobs: readonly string[]): Promise<JobFreshness[]>
}
