/** The step of a provider health check, as Temporal calls it. */
import type { ProviderHealthCheckResult } from '../jobs/provider-health-check.ts'
import { checkProviders as check, type CheckProvidersDeps } from '../operations/check-providers.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** What the step works over. */
export type ProviderHealthCheckDeps = CheckProvidersDeps & { readonly events: Events }

/** The activities of `provider-health-check`. May be repeated. */
export function createProviderHealthCheckActivities(deps: ProviderHealthCheckDeps) {
  return mapFailures({
    /** Checks every configured provider and tells the changes. */
    async checkProviders(): Promise<ProviderHealthCheckResult> {
      using heartbeats = startHeartbeats(deps.providers.length)
      const { providers, changes, plans } = await check(deps, { signal: heartbeats.signal })
      for (const found of plans) deps.events.providerPlanFound(found)
      for (const change of changes) deps.events.providerStateChanged(change)
      const inState = (wanted: string): number =>
        providers.filter(({ state }) => state === wanted).length
      return {
        up: inState('UP'),
        degraded: inState('DEGRADED'),
        down: inState('DOWN'),
        changes: changes.length,
        providers: providers.map(({ provider, state, reason }) => ({ provider, state, reason })),
      }
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type ProviderHealthCheckActivities = ReturnType<typeof createProviderHealthCheckActivities>
