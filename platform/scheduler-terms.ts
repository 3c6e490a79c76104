/** What the configuration says about schedules, with the names of jobs checked against the registry. */
import { ConfigError, type Config } from '../config/config.ts'
import type { SchedulerTerms } from '../jobs/job-environments.ts'
import { allJobs, findJob } from '../jobs/registry.ts'

/** The terms. Throws ConfigError with every name in `SCHEDULER_JOBS` that is no job with a schedule. */
export function schedulerTermsOf({
  jobTerms,
  scheduler,
}: Pick<Config, 'jobTerms' | 'scheduler'>): SchedulerTerms {
  const { isEnabled, jobs } = scheduler
  if (jobs === null) return { ...jobTerms, isEnabled, only: null }
  const unknown = jobs.filter((name) => findJob(name)?.schedule === undefined)
  if (unknown.length > 0) {
    const known = allJobs().filter(({ schedule }) => schedule !== undefined)
    const names = known.map(({ name }) => name).join(', ')
    throw new ConfigError(
      unknown.map((name) => ({
        variable: 'SCHEDULER_JOBS',
        message: `names ${name}, which is no job with a schedule; there are ${names}`,
      })),
    )
  }
  return { ...jobTerms, isEnabled, only: jobs.map((name) => findJob(name)?.name ?? name) }
}
