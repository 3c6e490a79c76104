/** Wakes or starts the run that carries a payout out, when a person decides about it. */
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client'

import type { PayoutRunRequest, PayoutRuns } from '../../domain/ports/payout-runs.ts'
import { JobConflictError, startJob, type JobStarterDeps } from './job-starter.ts'

/** The runs on this server. */
export function createPayoutRuns(deps: JobStarterDeps): PayoutRuns {
  return {
    async carryOn(request) {
      const { payoutId, batchId } = request
      const ids = [payoutId, ...(batchId === null ? [] : [batchId])]
      for (const id of ids) if (await wake(deps.client, `payout:${id}`, request)) return
      await startAlone(deps, request)
    },
  }
}

/** False when no such run is open. */
async function wake(
  client: Client,
  workflowId: string,
  { by, reason, caseId }: PayoutRunRequest,
): Promise<boolean> {
  try {
    const handle = client.workflow.getHandle(workflowId)
    await handle.executeUpdate('retry', { args: [{ by, reason }], updateId: `case-${caseId}` })
    return true
  } catch (error) {
    // It ended while the update waited, or before.
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError) {
      return false
    }
    throw error
  }
}

async function startAlone(deps: JobStarterDeps, request: PayoutRunRequest): Promise<void> {
  const { payoutId, caseId } = request
  try {
    const workflowId = `payout:${payoutId}:case-${caseId}`
    await startJob(deps, { job: 'payout', input: { payoutId }, trigger: 'run', workflowId })
  } catch (error) {
    // It ran already: the decision was lost before its answer.
    if (!(error instanceof JobConflictError)) throw error
  }
}
