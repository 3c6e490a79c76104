/** Starts runs anew for runs that died, on the Temporal server. */
import type { RunKey } from './run-source.ts'

/** What became of a start. */
export type RedriveOutcome =
  | { readonly kind: 'started'; readonly workflowId: string; readonly runId: string }
  /** Nothing was started, and repeating it now would not start it either. */
  | { readonly kind: 'refused'; readonly reason: string }

/** The redriver. Other errors are the server's and may be retried. */
export interface RunRedriver {
  /** What the dead run was given; undefined when its history is gone. */
  readInput(run: RunKey): Promise<unknown>
  /** Starts a run for a dead one; a repeat finds the run that an earlier try started. */
  start(redrive: {
    readonly job: string
    readonly input: unknown
    readonly redriveOf: string
  }): Promise<RedriveOutcome>
  /** Wakes a parked run. */
  wake(run: RunKey, note: { readonly by: string; readonly reason: string }): Promise<RedriveOutcome>
}
