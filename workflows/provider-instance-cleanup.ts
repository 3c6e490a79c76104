/** One cleanup of providers' instances: a single step that fits into its time with its repeat. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { ProviderInstanceCleanupActivities } from '../activities/provider-instance-cleanup.ts'
import type {
  ProviderInstanceCleanupInput,
  ProviderInstanceCleanupResult,
} from '../jobs/provider-instance-cleanup.ts'
import { STEP_RETRY } from './shared/steps.ts'

const { removeStaleInstances } = proxyActivities<ProviderInstanceCleanupActivities>({
  startToCloseTimeout: '45 seconds',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
})

/** Removes, and says how much. */
export async function providerInstanceCleanup(
  _input: ProviderInstanceCleanupInput,
): Promise<ProviderInstanceCleanupResult> {
  const result = await removeStaleInstances()
  const { processes, keyHolders, allowances, plans, states, isComplete } = result
  const removed = processes + keyHolders + allowances + plans + states
  setCurrentDetails(`${removed} rows removed${isComplete ? '' : ', more to do'}`)
  return result
}
