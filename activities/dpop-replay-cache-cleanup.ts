/** The step of a cleanup of seen proofs, as Temporal calls it. */
import type { ProofStore } from '../domain/ports/proof-store.ts'
import type { DpopReplayCacheCleanupResult } from '../jobs/dpop-replay-cache-cleanup.ts'
import { forgetProofs } from '../operations/forget-proofs.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `dpop-replay-cache-cleanup`. May be repeated: what is gone is gone. */
export function createDpopReplayCacheCleanupActivities(deps: {
  readonly proofs: Pick<ProofStore, 'removeExpired'>
}) {
  return mapFailures({
    /** Removes expired ids, as many as a step may. */
    async forgetExpiredProofs(): Promise<DpopReplayCacheCleanupResult> {
      using heartbeats = startHeartbeats()
      return await forgetProofs(deps, {
        signal: heartbeats.signal,
        onProgress: (removed) => heartbeats.onProgress(removed, removed),
      })
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type DpopReplayCacheCleanupActivities = ReturnType<
  typeof createDpopReplayCacheCleanupActivities
>
