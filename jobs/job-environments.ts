/** Where a job is scheduled, where it is started by hand only, and where neither. */
import { MINUTE_MS } from '../domain/time.ts'
import type { JobDefinition, JobEnvironment, JobPresence } from './define-job.ts'

/** What an installation gives its jobs. */
export type JobTerms = {
  readonly environment: JobEnvironment
  /** Attempts of runs whose job names none, the first included. */
  readonly attempts: number
  /** Longest duration of one attempt where the job names none, milliseconds. */
  readonly timeoutMs: number
}

/** Where nobody said otherwise. */
export const DEFAULT_TERMS: JobTerms = {
  environment: 'development',
  attempts: 3,
  timeoutMs: 10 * MINUTE_MS,
}

/** Those, and what its people asked for. */
export type SchedulerTerms = JobTerms & {
  /** False: nothing is scheduled. True: what waits to be asked for is, too. Null: nobody said. */
  readonly isEnabled: boolean | null
  /** Names of the only jobs that are scheduled; null: nobody said. */
  readonly only: readonly string[] | null
}

/** Everything is asked for. */
export const ALL_SCHEDULED: SchedulerTerms = {
  ...DEFAULT_TERMS,
  isEnabled: true,
  only: null,
}

type PlacedJob = Pick<JobDefinition, 'name' | 'environments' | 'schedule'>

/** Why a job that has a schedule is not scheduled; null when it is. */
export function whyNotScheduled(job: PlacedJob, terms: SchedulerTerms): string | null {
  const { environment, isEnabled, only } = terms
  const presence: JobPresence = job.environments[environment]
  if (presence === 'off') return `off in ${environment}`
  if (isEnabled === false) return 'SCHEDULER_ENABLED is false'
  if (only !== null) return only.includes(job.name) ? null : 'not in SCHEDULER_JOBS'
  if (presence === 'by-hand') return `started by hand only in ${environment}`
  if (presence === 'when-asked' && isEnabled !== true) {
    return `not asked for in ${environment}: SCHEDULER_ENABLED, SCHEDULER_JOBS`
  }
  return null
}

/** Whether a job's schedule is to be on the server. */
export function isScheduled(job: PlacedJob, terms: SchedulerTerms): boolean {
  return job.schedule !== undefined && whyNotScheduled(job, terms) === null
}

/** Whether people and other runs may start it. */
export function isStartable(
  { environments }: Pick<JobDefinition, 'environments'>,
  environment: JobEnvironment,
): boolean {
  return environments[environment] !== 'off'
}

/** Attempts of jobs of these queues that have no reason for others: few while developing, patient elsewhere. */
export const QUEUE_ATTEMPTS = {
  maintenance: { development: 3, staging: 5, production: 5 },
  reports: { development: 3, staging: 5, production: 5 },
} as const

/** Attempts of a job's runs, the first included. */
export function attemptsIn({ retry = {} }: Pick<JobDefinition, 'retry'>, terms: JobTerms): number {
  const { attempts = terms.attempts } = retry
  return typeof attempts === 'number' ? attempts : attempts[terms.environment]
}

/** The longest duration of one attempt of a job's runs, milliseconds; null: they may stay open. */
export function timeoutIn(
  { timeoutMs }: Pick<JobDefinition, 'timeoutMs'>,
  terms: JobTerms,
): number | null {
  return timeoutMs === undefined ? terms.timeoutMs : timeoutMs
}
