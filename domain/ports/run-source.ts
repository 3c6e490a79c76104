/** Where runs are truly known: the Temporal server's lists and histories. */
import type { RunEnd, RunRecord } from '../run.ts'
import type { Instant } from '../time.ts'

/** Which runs are listed: all that are known, those that are open, or those that moved in a window. */
export type RunQuery =
  | { readonly kind: 'all' }
  | { readonly kind: 'open' }
  /** Requested or closed after `after` and not after `until`. */
  | { readonly kind: 'moved'; readonly after: Instant; readonly until: Instant }

/** Some of the runs; `next` goes on, null at the end. */
export type RunListing = { readonly runs: readonly RunRecord[]; readonly next: string | null }

/** A run by its ids. */
export type RunKey = { readonly workflowId: string; readonly runId: string }

/** Reads runs. Errors are the server's and may be retried. */
export interface RunSource {
  list(query: RunQuery, from: string | null): Promise<RunListing>
  /** Why a run ended; null when its history is gone. */
  readEnd(run: RunKey): Promise<RunEnd | null>
  /** The run as it is now; null when the server does not know it any more. */
  find(run: RunKey): Promise<RunRecord | null>
}
