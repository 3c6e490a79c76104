/** One reconciliation: list page by page, compare once, remember how far. Each attempt lists anew. */
import { ApplicationFailure } from '@temporalio/common'
import { proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow'

import type { ReconciliationActivities } from '../activities/reconciliation.ts'
import { areBalanced } from '../domain/reconciliation.ts'
import type { ReconciliationInput, ReconciliationResult } from '../jobs/reconciliation.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

/** Two million transfers. More since the last run is a mistake, and is told instead of listed for ever. */
const STEPS_AT_MOST = 400

const { beginReconciliation, finishReconciliation } =
  proxyActivities<ReconciliationActivities>(SHORT_STEP)

const { listTransfers, compareTransfers } = proxyActivities<ReconciliationActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: STEP_RETRY,
})

/** Compares ledger and rail. Returns the classes' counts and the control totals. */
export async function reconciliation(input: ReconciliationInput): Promise<ReconciliationResult> {
  const { runId } = workflowInfo()
  const window = await beginReconciliation(
    input.since === undefined ? { runId } : { runId, since: input.since },
  )
  let listed = 0
  let cursor: string | null = null
  let steps = 0
  do {
    if (steps >= STEPS_AT_MOST) throw tooLong(listed)
    const pages: { listed: number; next: string | null } = await listTransfers({ window, cursor })
    listed += pages.listed
    cursor = pages.next
    steps += 1
    setCurrentDetails(`${listed} transfers listed since ${window.since}`)
  } while (cursor !== null)
  const found = await compareTransfers({ window, listed })
  await finishReconciliation(window)
  const { provider, since, asOf } = window
  const breaks = Object.values(found.breaks).reduce((sum, n) => sum + n, 0)
  setCurrentDetails(
    `${found.matched} of ${found.listed} transfers matched, **${breaks} breaks**, ` +
      `${found.casesOpened} new cases`,
  )
  const totals = found.totals.map((total) => ({ ...total }))
  return { provider, since, asOf, ...found, totals, isBalanced: areBalanced(totals) }
}

function tooLong(listed: number): ApplicationFailure {
  return ApplicationFailure.create({
    message: `${listed} transfers and no end: give a later \`since\``,
    type: 'InvalidInput',
    nonRetryable: true,
  })
}
