/** One switch of cover. */
import { proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow'

import type { CoverageArmingActivities } from '../activities/coverage-arming.ts'
import type { CoverageArmingInput, CoverageArmingResult } from '../jobs/coverage-arming.ts'
import { SHORT_STEP, UNLIMITED_RETRY } from './shared/steps.ts'

const { switchCover } = proxyActivities<CoverageArmingActivities>({
  ...SHORT_STEP,
  retry: UNLIMITED_RETRY,
})

/** Later than this a switch may be the opposite of what is wanted by then. */
const TOLERANCE_MIN = 5

/** Returns what became of it. */
export async function coverageArming(input: CoverageArmingInput): Promise<CoverageArmingResult> {
  const { product, action, by, reason } = input
  const isArmed = action === 'arm'
  // The same for every attempt of this run, so that a late repeat undoes nobody's later switch.
  const { workflowId, firstExecutionRunId } = workflowInfo()
  const ref = `${workflowId}/${firstExecutionRunId}`
  const { dueAt = null, toleranceMin = TOLERANCE_MIN } = input
  const request = { product, isArmed, by, reason, ref, dueAt, toleranceMin }
  const { outcome, at } = await switchCover(request)
  setCurrentDetails(`${product}, ${action}: **${outcome}**`)
  return { product, isArmed, outcome, businessNow: at }
}
