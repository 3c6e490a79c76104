/** The steps of a reconciliation, as Temporal calls them. Thin: the work is in operations. */
import type { Reconciled, ReconciliationWindow } from '../domain/ports/reconciliation-store.ts'
import { parseInstant } from '../domain/time.ts'
import {
  beginReconciliation as begin,
  compareTransfers as compare,
  finishReconciliation as finish,
  listTransfers as list,
  type ListedPages,
  type ReconciliationDeps,
} from '../operations/reconcile-payouts.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Pages of a hundred transfers that one step lists: some seconds, so that a lost worker costs little. */
const PAGES_PER_STEP = 50

/** The activities of `reconciliation`. All may be repeated until the run is finished. */
export function createReconciliationActivities(deps: ReconciliationDeps) {
  return mapFailures({
    /** Settles what is compared. */
    async beginReconciliation(input: {
      readonly runId: string
      readonly since?: string
    }): Promise<ReconciliationWindow> {
      const { runId, since } = input
      return begin(deps, since === undefined ? { runId } : { runId, since: parseInstant(since) })
    },

    /** Lists and keeps the next pages. Fails with `ProviderUnavailable`, to be tried again. */
    async listTransfers(input: {
      readonly window: ReconciliationWindow
      readonly cursor: string | null
    }): Promise<ListedPages> {
      using heartbeats = startHeartbeats()
      return await list(deps, input, {
        maxPages: PAGES_PER_STEP,
        signal: heartbeats.signal,
        onProgress: (listed) => heartbeats.onProgress(listed, listed),
      })
    },

    /** Compares and opens cases. */
    async compareTransfers(input: {
      readonly window: ReconciliationWindow
      readonly listed: number
    }): Promise<Reconciled> {
      using _heartbeats = startHeartbeats()
      return await compare(deps, input)
    },

    /** The next run begins where this one was. */
    async finishReconciliation(window: ReconciliationWindow): Promise<void> {
      await finish(deps, window)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type ReconciliationActivities = ReturnType<typeof createReconciliationActivities>
