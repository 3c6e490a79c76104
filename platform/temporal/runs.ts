/** What is wrong with runs, for people: why one failed, and which are stuck. */
import type { Client } from '@temporalio/client'

import { allJobs, findJobOfWorkflow } from '../../jobs/registry.ts'
import { workflowTypeQuery } from './job-runs.ts'

/** `InvalidInput: payout: invalid input: ...`, innermost cause last. */
export function describeFailure(error: unknown): string {
  const parts: string[] = []
  // Failures of the server come wrapped: workflow, activity, then the reason.
  for (let cause = error; cause instanceof Error && parts.length < 5; cause = cause.cause) {
    const type: unknown = 'type' in cause ? cause.type : undefined
    parts.push(typeof type === 'string' ? `${type}: ${cause.message}` : cause.message)
  }
  return parts.join(' <- ')
}

/** An open run whose code fails over and over without ending it. */
export type StuckRun = { readonly id: string; readonly runId: string; readonly type: string }

/** The first of them say what is wrong; the others have it too. */
const STUCK_SHOWN = 20

/** Runs that are stuck, at most 20. The server marks them after some failed tasks, about a minute. */
export async function listStuckRuns({ client }: { readonly client: Client }): Promise<StuckRun[]> {
  // The server leaves the mark on runs that ended.
  const isStuck = 'TemporalReportedProblems IS NOT NULL AND ExecutionStatus = "Running"'
  const query = `${workflowTypeQuery(allJobs())} AND ${isStuck}`
  const stuck: StuckRun[] = []
  for await (const info of client.workflow.list({ query, pageSize: STUCK_SHOWN })) {
    const { workflowId: id, runId, type } = info
    stuck.push({ id, runId, type: findJobOfWorkflow(type)?.type ?? type })
    if (stuck.length >= STUCK_SHOWN) break
  }
  return stuck
}
