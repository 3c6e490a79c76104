/** Which jobs are scheduled here, and what they have that do not name it themselves. */
import { z } from 'zod'

import type { Environment } from './config.ts'

/** Of every job; the same for all processes. */
export type JobsConfig = {
  /**
   * SCHEDULER_ENABLED: `false` schedules nothing, `true` also what waits to be asked for, as all does in
   * development. SCHEDULER_JOBS: the only jobs that are scheduled. Null: nobody said.
   */
  readonly scheduler: {
    readonly isEnabled: boolean | null
    readonly jobs: readonly string[] | null
  }
  /** JOB_PACKS: folders of packs of further jobs. Default none. */
  readonly jobPacks: readonly string[]
  /**
   * What jobs have that do not name it: attempts, the first and DEFAULT_RETRIES (2) more; milliseconds of an
   * attempt, JOB_TIMEOUT (10 minutes).
   */
  readonly jobTerms: {
    readonly environment: Environment
    readonly attempts: number
    readonly timeoutMs: number
  }
}

const JOB_NAMES = z
  .string()
  .max(2_000, 'must have at most 2000 characters')
  .transform((text) => text.split(',').map((one) => one.trim()))
  .refine(
    (names) => names.every((one) => /^[A-Za-z][A-Za-z0-9_-]{0,47}$/.test(one)),
    'must be names of jobs with commas between, as flight-monitor,cleanup',
  )

/** Every pack is built into the bundle of workflows, which each worker's thread keeps in memory. */
const PACKS_AT_MOST = 20

/** Folders with commas between, each named once. */
const FOLDERS = z
  .string()
  .max(4_096, 'must have at most 4096 characters')
  .transform((text) => text.split(',').map((one) => one.trim()))
  .refine(
    (folders) =>
      folders.length <= PACKS_AT_MOST &&
      !folders.includes('') &&
      new Set(folders).size === folders.length,
    `must be at most ${PACKS_AT_MOST} folders with commas between, each named once`,
  )

const DEFAULT_RETRIES = 2
const MOST_RETRIES = 99
const RETRIES_WISH = `must be a whole number from 0 to ${MOST_RETRIES} further attempts`

const SECOND_MS = 1_000
const DEFAULT_TIMEOUT_MS = 600 * SECOND_MS
const LONGEST_TIMEOUT_MS = 86_400 * SECOND_MS
const UNITS_MS = { s: SECOND_MS, m: 60 * SECOND_MS, h: 3_600 * SECOND_MS }
const TIMEOUT =
  /^(?<count>\d{1,6}) ?(?:(?<s>s|seconds?)|(?<m>min|minutes?)|(?<h>h|hours?))$|^(?<ms>\d{1,9})(?: ?ms)?$/

/** Milliseconds; NaN when it is no duration. */
function timeoutMsOf(text: string): number {
  const { count, ms, ...units } = TIMEOUT.exec(text)?.groups ?? {}
  if (ms !== undefined) return Number(ms)
  const unit = (['s', 'm', 'h'] as const).find((one) => units[one] !== undefined)
  return unit === undefined ? Number.NaN : Number(count) * UNITS_MS[unit]
}

/** Their variables. */
export const JOB_FIELDS = {
  SCHEDULER_ENABLED: z.enum(['true', 'false'], 'must be one of true, false'),
  SCHEDULER_JOBS: JOB_NAMES,
  JOB_PACKS: FOLDERS,
  DEFAULT_RETRIES: z
    .string()
    .regex(/^\d{1,2}$/, RETRIES_WISH)
    .transform(Number),
  JOB_TIMEOUT: z
    .string()
    .transform(timeoutMsOf)
    .refine(
      (ms) => ms % SECOND_MS === 0 && ms >= SECOND_MS && ms <= LONGEST_TIMEOUT_MS,
      'must be whole seconds, minutes or hours from 1 second to 24 hours, as 10 minutes',
    ),
} as const

type JobValues = {
  readonly [Name in keyof typeof JOB_FIELDS]: z.output<(typeof JOB_FIELDS)[Name]> | null
}

/** From what was read, in an environment. */
export function jobsConfigOf(values: JobValues, environment: Environment): JobsConfig {
  return {
    scheduler: {
      isEnabled: values.SCHEDULER_ENABLED === null ? null : values.SCHEDULER_ENABLED === 'true',
      jobs: values.SCHEDULER_JOBS,
    },
    jobPacks: values.JOB_PACKS ?? [],
    jobTerms: {
      environment,
      attempts: (values.DEFAULT_RETRIES ?? DEFAULT_RETRIES) + 1,
      timeoutMs: values.JOB_TIMEOUT ?? DEFAULT_TIMEOUT_MS,
    },
  }
}
