/** Runs that have a place or wait for one, as the server knows them. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client'

import type { PlacedRuns } from '../../domain/ports/job-places.ts'
import { PLACE_GRANTED } from '../../jobs/run-identity.ts'

const ENDED: ReadonlySet<string> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'CONTINUED_AS_NEW',
  'TIMED_OUT',
])

/** The runs on this server. */
export function createPlacedRuns(client: Client): PlacedRuns {
  return {
    async isOpen({ workflowId, runId }) {
      try {
        const { status } = await client.workflow.getHandle(workflowId, runId).describe()
        return !ENDED.has(status.name)
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false
        throw error
      }
    },
    async wake({ workflowId, runId }) {
      try {
        await client.workflow.getHandle(workflowId, runId).signal(PLACE_GRANTED)
        return true
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false
        throw error
      }
    },
  }
}
