/** The step of a cleanup of providers' instances, as Temporal calls it. */
import type { ProviderInstances } from '../domain/ports/provider-instances.ts'
import type { ProviderInstanceCleanupResult } from '../jobs/provider-instance-cleanup.ts'
import { cleanUpInstances } from '../operations/clean-up-instances.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `provider-instance-cleanup`. May be repeated: what is gone is gone. */
export function createProviderInstanceCleanupActivities(deps: {
  readonly instances: ProviderInstances
  readonly events: Pick<Events, 'providerInstancesRemoved'>
}) {
  return mapFailures({
    /** Removes what is stale, as much as a step may. */
    async removeStaleInstances(): Promise<ProviderInstanceCleanupResult> {
      using heartbeats = startHeartbeats()
      const { removed, isComplete, open } = await cleanUpInstances(deps, {
        signal: heartbeats.signal,
        onProgress: (batches) => heartbeats.onProgress(batches, batches),
      })
      deps.events.providerInstancesRemoved(removed)
      return {
        processes: removed['provider-processes'],
        keyHolders: removed['key-holders'],
        allowances: removed.allowances,
        plans: removed.plans,
        states: removed['provider-states'],
        isComplete,
        open: [...open],
      }
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type ProviderInstanceCleanupActivities = ReturnType<
  typeof createProviderInstanceCleanupActivities
>
