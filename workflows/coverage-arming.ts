/** One switch of cover. */
import { proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow'

import type { CoverageArmingActivities } from '../activities/coverage-arming.ts'
import type { CoverageArmingInput, CoverageArmingResult } from '../jobs/coverage-arming.ts'
import { SHORT_STEP, UNLIMITED_RETRY } from './shared/steps.ts'

const { switchCover } = proxyActivities<CoverageArmingActivities>({
  ...SHORT_STEP,
  retry: UNLIMITED_RETRY,
})

/** Returns how the switch stands. */
export async function coverageArming(input: CoverageArmingInput): Promise<CoverageArmingResult> {
  const { product, action, by, reason } = input
  const isArmed = action === 'arm'
  // The same for every attempt of this run, so that a late repeat undoes nobody's later switch.
  const { workflowId, firstExecutionRunId } = workflowInfo()
  const ref = `${workflowId}/${firstExecutionRunId}`
  const { isChanged, at } = await switchCover({ product, isArmed, by, reason, ref })
  setCurrentDetails(
    `${product} ${isChanged ? 'is now' : 'was already'} ${isArmed ? 'armed' : 'disarmed'}`,
  )
  return { product, isArmed, isChanged, businessNow: at }
}
