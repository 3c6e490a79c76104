/** One switch of cover. */
import {
  ApplicationFailure,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow'

import type { CoverageArmingActivities } from '../activities/coverage-arming.ts'
import type { CoverageArmingInput, CoverageArmingResult } from '../jobs/coverage-arming.ts'
import { SHORT_STEP, UNLIMITED_RETRY } from './shared/steps.ts'
import { taskDue } from './shared/task-due.ts'

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
  const task = taskDue()
  const dueAt = input.dueAt ?? task?.dueAt ?? null
  const toleranceMin = input.toleranceMin ?? task?.toleranceMin ?? TOLERANCE_MIN
  const request = { product, isArmed, by, reason, ref, dueAt, toleranceMin }
  const { outcome, at } = await switchCover(request)
  setCurrentDetails(`${product}, ${action}: **${outcome}**`)
  // A task reads how it went from how its run ended.
  if (outcome === 'missed' && task !== null) {
    throw ApplicationFailure.create({
      type: 'Missed',
      nonRetryable: true,
      message: `${product} was not ${isArmed ? 'armed' : 'disarmed'} within ${toleranceMin} min of ${dueAt}`,
    })
  }
  return { product, isArmed, outcome, businessNow: at }
}
