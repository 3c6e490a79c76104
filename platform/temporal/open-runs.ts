/** Which ids have an open run, asked of the runs themselves: lists lag. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client'

import type { OpenRun, OpenRuns } from '../../domain/ports/job-turns.ts'
import { instantFromMs } from '../../domain/time.ts'

/** A call that takes longer is a server that does not answer. */
const CALL_DEADLINE_MS = 10_000

/** Runs of this client's namespace. */
export function createOpenRuns(client: Client): OpenRuns {
  return {
    read: (workflowIds) =>
      client.withDeadline(Date.now() + CALL_DEADLINE_MS, async () => {
        const runs = await Promise.all(workflowIds.map((id) => readOpen(client, id)))
        return runs.filter((run) => run !== null)
      }),
  }
}

/** An attempt that goes on for one that failed is the same run, which began with the first. */
async function readOpen(client: Client, workflowId: string): Promise<OpenRun | null> {
  try {
    const { status, runId, startTime, executionTime, raw } = await client.workflow
      .getHandle(workflowId)
      .describe()
    if (status.name !== 'RUNNING') return null
    const began = executionTime ?? startTime
    const firstRunId = raw.workflowExecutionInfo?.firstRunId || runId
    return { workflowId, firstRunId, beganAt: instantFromMs(began.getTime()) }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null
    throw error
  }
}
