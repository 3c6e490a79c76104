/** The steps of a cleanup, as Temporal calls them. Thin: what they do is in operations/. */
import type { RetentionCut } from '../domain/retention.ts'
import {
  cleanUp as cleanUpBatches,
  countAged as countAgedThings,
  planCleanup as planCuts,
  type CleanUpDeps,
  type CleanupPlan,
  type CleanupRequest,
} from '../operations/clean-up.ts'
import type { CleanedUp } from '../operations/remove-aged.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Batches of one step: some seconds of work, so that a lost worker costs little. */
const BATCHES_PER_STEP = 20

/** The activities of `cleanup`. May be repeated: what is gone is gone. */
export function createCleanupActivities(deps: CleanUpDeps) {
  return mapFailures({
    /** What the run goes through, and before which moments. */
    planCleanup: (request: CleanupRequest): Promise<CleanupPlan> => planCuts(deps, request),
    /** Removes the next batches of a class. Repeated, it counts only what was left to do. */
    async cleanUp(cut: RetentionCut & { readonly batchSize: number }): Promise<CleanedUp> {
      using heartbeats = startHeartbeats()
      return await cleanUpBatches(deps, cut, {
        maxBatches: BATCHES_PER_STEP,
        signal: heartbeats.signal,
        onProgress: (items) => heartbeats.onProgress(items, items),
      })
    },
    /** Counts what a class would lose. */
    async countAged(cut: RetentionCut): Promise<CleanedUp> {
      using _heartbeats = startHeartbeats()
      return await countAgedThings(deps, cut)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type CleanupActivities = ReturnType<typeof createCleanupActivities>
