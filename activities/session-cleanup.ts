/** The steps of a session cleanup, as Temporal calls them. Thin: what they do is in operations/. */
import type { SessionCut } from '../domain/session-retention.ts'
import {
  cleanUpSessions as cleanUpBatches,
  countSessions as countAged,
  planSessionCleanup as plan,
  type SessionCleanupDeps,
  type SessionCleanupPlan,
} from '../operations/clean-up-sessions.ts'
import type { CleanedUp } from '../operations/remove-aged.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Batches of one step: some seconds of work, so that a lost worker costs little. */
const BATCHES_PER_STEP = 20

/** The activities of `session-cleanup`. May be repeated: what is gone is gone. */
export function createSessionCleanupActivities(deps: SessionCleanupDeps) {
  return mapFailures({
    /** What the run goes through, and before which moments. */
    planSessionCleanup: ({
      userName,
    }: {
      readonly userName?: string | undefined
    }): Promise<SessionCleanupPlan> => plan(deps, userName),
    /** Removes the next batches of a class. Repeated, it counts only what was left to do. */
    async cleanUpSessions(cut: SessionCut & { readonly batchSize: number }): Promise<CleanedUp> {
      using heartbeats = startHeartbeats()
      return await cleanUpBatches(deps, cut, {
        maxBatches: BATCHES_PER_STEP,
        signal: heartbeats.signal,
        onProgress: (items) => heartbeats.onProgress(items, items),
      })
    },
    /** Counts what a class would lose. */
    countSessions: (cut: SessionCut): Promise<CleanedUp> => countAged(deps, cut),
  })
}

/** Types of the activities, for `proxyActivities`. */
export type SessionCleanupActivities = ReturnType<typeof createSessionCleanupActivities>
