/** Turns of runs of which one at a time may be at work. */
import type { Instant } from '../time.ts'

/** A run with all its attempts. */
export type TurnRun = { readonly workflowId: string; readonly firstRunId: string }

/** Keeps who has the turn of a key. Every time is the database's. */
export interface JobTurnStore {
  /** Who has the turn; null when nobody ever had, or long ago. */
  holder(turnKey: string): Promise<TurnRun | null>
  /**
   * Gives the turn to `run` if `holder` still has it; says whether `run` has it now. Of many at once
   * one gets it. Repeats change nothing.
   */
  take(turnKey: string, run: TurnRun, holder: TurnRun | null): Promise<boolean>
}

/** A run that is open: at work, waiting, or between two attempts, of which `beganAt` is the next. */
export type OpenRun = TurnRun & { readonly beganAt: Instant }

/** Reads runs as they are, not as lists have them. Errors are the server's and may be retried. */
export interface OpenRuns {
  /** Of these ids, those that have an open run. */
  read(workflowIds: readonly string[]): Promise<OpenRun[]>
}
