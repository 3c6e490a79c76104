/** One cleanup of seen proofs: a single step that fits into a minute with its repeat. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { DpopReplayCacheCleanupActivities } from '../activities/dpop-replay-cache-cleanup.ts'
import type {
  DpopReplayCacheCleanupInput,
  DpopReplayCacheCleanupResult,
} from '../jobs/dpop-replay-cache-cleanup.ts'
import { STEP_RETRY } from './shared/steps.ts'

const { forgetExpiredProofs } = proxyActivities<DpopReplayCacheCleanupActivities>({
  startToCloseTimeout: '20 seconds',
  heartbeatTimeout: '5 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
})

/** Forgets, and says how many. */
export async function dpopReplayCacheCleanup(
  _input: DpopReplayCacheCleanupInput,
): Promise<DpopReplayCacheCleanupResult> {
  const result = await forgetExpiredProofs()
  setCurrentDetails(`${result.removed} proofs forgotten${result.isComplete ? '' : ', more to do'}`)
  return result
}
