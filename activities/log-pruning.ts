/** The steps of `log-pruning`, as Temporal calls them. Thin: what they do is in operations/. */
import type { LogAmount } from '../domain/ports/log-files.ts'
import {
  compressLogs as compressRotated,
  removeLogs as removeOutdated,
  rotateLogs as rotateLarge,
  type CompressedLogs,
  type PruneLogsDeps,
  type RotatedLogs,
} from '../operations/prune-logs.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `log-pruning`. May be repeated: what is done is not done again. */
export function createLogPruningActivities(
  deps: PruneLogsDeps & { readonly events: Pick<Events, 'logsPruned'> },
) {
  return mapFailures({
    /** Gives large logs another name. */
    rotateLogs: (): Promise<RotatedLogs> => rotateLarge(deps),

    /** Compresses rotated files, one after the other. */
    async compressLogs(): Promise<CompressedLogs> {
      using heartbeats = startHeartbeats()
      return await compressRotated(deps, {
        signal: heartbeats.signal,
        onProgress: (files) => heartbeats.onProgress(files, files),
      })
    },

    /** Removes what is beyond the number or the age kept. */
    async removeLogs(): Promise<LogAmount> {
      const removed = await removeOutdated(deps)
      deps.events.logsPruned(removed)
      return removed
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type LogPruningActivities = ReturnType<typeof createLogPruningActivities>
