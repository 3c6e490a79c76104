/** Starts the runs that answer requests of persons about their own data. */
import type { PrivacyRuns } from '../../domain/ports/privacy-runs.ts'
import { startJob, type JobStarterDeps } from './job-starter.ts'

/** The runs on this server. */
export function createPrivacyRuns(deps: JobStarterDeps): PrivacyRuns {
  return {
    async start(requestId) {
      await startJob(deps, { job: 'privacy-request', input: { requestId }, trigger: 'run' })
    },
  }
}
