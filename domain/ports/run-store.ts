/** The kept runs: written by the projection, read by people. */
import type { JobLastStatus, RunEnd, RunRecord, RunState } from '../run.ts'
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'
import type { RunKey } from './run-source.ts'

/** Days that ended runs are kept: a whole number from 1 to 365. Default 30. */
export const RUNS_HISTORY_DAYS = 'runs.historyDays'

/** Writes what the server lists. All may be repeated. */
export interface RunStore {
  /** Up to when runs were kept; null before the first time. */
  readCursor(): Promise<Instant | null>
  moveCursor(to: Instant): Promise<void>
  /** Keeps runs; one that was seen closed is never opened again. Returns how many were new or changed. */
  save(runs: readonly RunRecord[], rebuiltAt?: Instant): Promise<number>
  /** Ended runs whose reason was not read, the newest first. */
  listUnread(limit: number): Promise<RunKey[]>
  saveEnds(ends: readonly (RunEnd & { readonly runId: string })[]): Promise<void>
  /** Runs kept as open that are not among these, and were requested before: they ended unseen. */
  listVanished(openRunIds: readonly string[], before: Instant, limit: number): Promise<RunKey[]>
  remove(runIds: readonly string[]): Promise<void>
  /** Removes ended runs closed before; at most `limit`. Returns how many. */
  prune(before: Instant, limit: number): Promise<number>
  /** Removes what a rebuild did not find although the server must still know it. Returns how many. */
  removeNotRebuilt(rebuiltAt: Instant, closedAfter: Instant): Promise<number>
}

/** Which runs; what is left out does not matter. */
export type RunFilter = {
  readonly job?: string | undefined
  readonly status?: RunState | undefined
  readonly state?: string | undefined
  readonly trigger?: string | undefined
  readonly priority?: string | undefined
  readonly queue?: string | undefined
  readonly errorType?: string | undefined
  /** Exactly this workflow id. */
  readonly workflowId?: string | undefined
  readonly since?: Instant | undefined
  /** Exclusive. */
  readonly until?: Instant | undefined
}

/** One run as lists show it. */
export type ListedRun = Omit<RunRecord, 'requestedAt'> & {
  readonly durationMs: number | null
  readonly errorType: string | null
  readonly errorMessage: string | null
  /** The attempt that went on for this one. */
  readonly nextRunId: string | null
}

/** What runs of a job did, over the kept history. */
export type JobTotals = {
  readonly job: string
  readonly lastRun: Instant | null
  readonly lastStatus: JobLastStatus | null
  readonly lastError: string | null
  /** Null while the last run is open. */
  readonly lastDurationMs: number | null
  /** Ended runs; each attempt is one. */
  readonly totalRuns: number
  readonly totalFailures: number
  /** Of all ended runs; null without any. */
  readonly averageDurationMs: number | null
}

/** Reads kept runs for people. */
export interface RunReads {
  /** The newest first. Throws PageCursorError. */
  list(filter: RunFilter, page: PageRequest): Promise<Page<ListedRun>>
  totals(jobs: readonly string[]): Promise<JobTotals[]>
  /** How long ago the runs were in step with the server, milliseconds; null before the first time. */
  ageMs(): Promise<number | null>
}
