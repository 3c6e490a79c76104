/** What both cleanups of requests of persons do: plan once, then count, or remove some batches a step. */
import type { ActivityOptions } from '@temporalio/workflow'

import type { Instant } from '../../domain/time.ts'
import { cleanInSteps } from './clean-in-steps.ts'
import { STEP_RETRY } from './steps.ts'

/** Of the steps that take batches. */
export const PRIVACY_CLEANUP_STEP: ActivityOptions = {
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
}

type Account = { readonly items: number; readonly bytes: number; readonly isComplete: boolean }

/** Cleans up. A step that fails ends the run: another try begins where it ended. */
export async function cleanUpByPlan<Plan extends { readonly before: Instant }>(
  isDryRun: boolean,
  steps: {
    readonly plan: () => Promise<Plan>
    readonly count: (plan: Plan) => Promise<Account>
    readonly remove: (plan: Plan) => Promise<Account>
  },
): Promise<Account & { readonly isDryRun: boolean; readonly before: Instant }> {
  const startedMs = Date.now()
  const plan = await steps.plan()
  const done = isDryRun
    ? await steps.count(plan)
    : await cleanInSteps(startedMs, () => steps.remove(plan))
  return { isDryRun, before: plan.before, ...done }
}
