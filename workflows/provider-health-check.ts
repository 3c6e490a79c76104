/** One health check of all providers: a single step that fits into half a minute with its repeat. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { ProviderHealthCheckActivities } from '../activities/provider-health-check.ts'
import type {
  ProviderHealthCheckInput,
  ProviderHealthCheckResult,
} from '../jobs/provider-health-check.ts'
import { STEP_RETRY } from './shared/steps.ts'

const { checkProviders } = proxyActivities<ProviderHealthCheckActivities>({
  // Two questions of 5 s to the slowest provider, and a margin.
  startToCloseTimeout: '13 seconds',
  heartbeatTimeout: '5 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
})

/** Checks, and says which providers are not up. */
export async function providerHealthCheck(
  _input: ProviderHealthCheckInput,
): Promise<ProviderHealthCheckResult> {
  const result = await checkProviders()
  const notUp = result.providers.filter(({ state }) => state !== 'UP')
  const list = notUp.map(({ provider, state, reason }) => `**${provider} ${state}** (${reason})`)
  setCurrentDetails(`${result.up} of ${result.providers.length} providers up ${list.join(', ')}`)
  return result
}
