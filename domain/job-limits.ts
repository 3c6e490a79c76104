/**
 * Limits of a job over all workers: how many of its runs are at work at once, how many begin a minute.
 * What a job declares, what people set at run time, and what holds.
 */

/** As declared by a job. What is left out is not limited. */
export type JobLimits = {
  /** Runs at work at once, 1 to 1,000. A lower number stops no run: the next ones wait. */
  readonly concurrent?: number
  /** Runs that begin in a minute, 1 to 6,000, evenly spaced. */
  readonly perMinute?: number
}

/** What holds; null is no limit. */
export type LimitsInForce = {
  readonly concurrent: number | null
  /** Least time between two beginnings, milliseconds. */
  readonly startEveryMs: number | null
}

/** The setting that replaces declared limits, `{job: {concurrent, perMinute}}`; null lifts one. */
export const JOBS_LIMITS = 'jobs.limits'

/** Jobs that declare limits: only those can be given others. A test compares with the registry. */
export const LIMITED_JOBS: readonly string[] = ['maintenance', 'report']

/** What a limit may be. */
export const JOB_LIMIT_BOUNDS = {
  concurrent: { least: 1, greatest: 1_000 },
  // The server carries tens of runs a second.
  perMinute: { least: 1, greatest: 6_000 },
} as const

const MINUTE_MS = 60_000

/** Whether a limit is within its bounds. */
export function isWithinLimitBounds(name: string, value: unknown): boolean {
  if (name !== 'concurrent' && name !== 'perMinute') return false
  const { least, greatest } = JOB_LIMIT_BOUNDS[name]
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= greatest
}

/** Whether a value may be that of the setting. */
export function isJobLimitsSetting(value: unknown): boolean {
  if (!isRecord(value)) return false
  const jobs = Object.entries(value)
  return (
    jobs.length > 0 &&
    jobs.every(
      ([job, limits]) =>
        LIMITED_JOBS.includes(job) &&
        isRecord(limits) &&
        Object.entries(limits).every(
          ([name, limit]) =>
            isWithinLimitBounds(name, limit) || (limit === null && name in JOB_LIMIT_BOUNDS),
        ),
    )
  )
}

/** What holds for a job: the setting where it says something within bounds, else what it declares. */
export function limitsInForce(job: string, declared: JobLimits, setting: unknown): LimitsInForce {
  const isUsable = isJobLimitsSetting(setting)
  // Its shape was just checked.
  const byJob = (isUsable ? setting : {}) as Record<string, NullableLimits | undefined>
  const { concurrent = null, perMinute = null } = { ...declared, ...byJob[job] }
  return { concurrent, startEveryMs: perMinute === null ? null : MINUTE_MS / perMinute }
}

type NullableLimits = { readonly concurrent?: number | null; readonly perMinute?: number | null }

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
