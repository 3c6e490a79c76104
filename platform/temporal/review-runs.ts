/** Starts and wakes the runs that look after review cases. */
import { WorkflowNotFoundError } from '@temporalio/client'

import type { ReviewRuns } from '../../domain/ports/review-runs.ts'
import { startJob, type JobStarterDeps } from './job-starter.ts'

const JOB = 'review-orchestration'

/** The runs on this server. */
export function createReviewRuns(deps: JobStarterDeps): ReviewRuns {
  return {
    async start(caseId) {
      await startJob(deps, { job: JOB, input: { caseId }, trigger: 'run' })
    },
    async wake(caseId) {
      try {
        await deps.client.workflow.getHandle(`${JOB}:${caseId}`).signal('look')
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error
      }
    },
  }
}
