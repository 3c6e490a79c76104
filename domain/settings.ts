/**
 * Every run-time setting: what it may be, what holds while it is not set, what a change does. The one
 * list behind command line, API and documents; values are stored elsewhere.
 */
import { ALERT_OWNERS_TEXT, ALERTS_OWNERS, isAlertOwners } from './alert-owners.ts'
import { knownCurrency } from './currency.ts'
import { REVIEWS_TWO_PERSON_LIMIT } from './ports/review-decisions.ts'
import { RUNS_HISTORY_DAYS } from './ports/run-store.ts'
import {
  CLEANUP_BATCH_SIZE,
  LOG_LEVEL,
  PAYOUTS_APPROVAL_LIMIT,
  PAYOUTS_DAILY_CEILING,
  PAYOUTS_PAUSED,
  RETENTION_DAYS,
  SALES_OPEN,
  SECRETS_DISTRIBUTION_MINUTES,
  SECRETS_GRACE_DAYS,
  SECRETS_MAX_AGE_DAYS,
} from './ports/setting-store.ts'
import { AUDIT_KEEP_DAYS, AUDIT_KEPT_DAYS } from './audit-retention.ts'
import { isJobLimitsSetting, JOB_LIMIT_BOUNDS, JOBS_LIMITS, LIMITED_JOBS } from './job-limits.ts'
import { KEEP_FILES, LOGS_KEEP_FILES, LOGS_ROTATE_MB, ROTATE_MB } from './log-rotation.ts'
import { LIMITS_CHANGES, LIMITS_JOB_STARTS, LIMITS_READS, LIMITS_SIGN_IN } from './rate-limit.ts'
import {
  DEFAULT_BATCH_SIZE,
  GREATEST_BATCH_SIZE,
  GREATEST_DAYS,
  LEAST_BATCH_SIZE,
  RETENTION,
} from './retention.ts'

/** What a setting's value may be. */
export type SettingBounds =
  | { readonly type: 'flag' }
  | { readonly type: 'integer'; readonly least: number; readonly greatest: number }
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  /** Minor units of every currency, or of each by its code. */
  | { readonly type: 'limit' }
  /** Days of some or all classes of the retention, each from its least on. */
  | { readonly type: 'retention' }
  /** Limits of some or all jobs that have any. */
  | { readonly type: 'job-limits' }
  /** How owners of jobs are told of trouble. */
  | { readonly type: 'alert-owners' }
  /** Has a command of its own, which checks more than a value can show. */
  | { readonly type: 'switch'; readonly door: string }

/** A setting as declared. */
export type SettingSpec = {
  /** Public id, never renamed. */
  readonly key: string
  readonly bounds: SettingBounds
  readonly unit: string | null
  /** What holds while it is not set; null is no limit. The environment's variable comes before it. */
  readonly fallback: unknown
  /** Environment variable of the default, if there is one. */
  readonly variable: string | null
  readonly description: string
  /** When a change holds, and what it means for runs in flight. */
  readonly effect: string
}

/** Days that ended runs are kept when nobody said otherwise. */
export const HISTORY_DAYS_DEFAULT = 30
/** Days that ended runs are kept at most. */
export const HISTORY_DAYS_AT_MOST = 365

/** A limit of calls; fewer than the least would lock out those who are to change it back. */
function callLimit(key: string, description: string, fallback: number, least: number): SettingSpec {
  return {
    key,
    bounds: { type: 'integer', least, greatest: 100_000 },
    unit: 'requests a minute of one caller',
    fallback,
    variable: null,
    description,
    effect: 'Within 5 s in every process; what was counted stays counted.',
  }
}

const LIMITS: readonly SettingSpec[] = [
  callLimit(LIMITS_READS, 'How often one caller may read.', 1_200, 60),
  callLimit(LIMITS_CHANGES, 'How often one caller may change something.', 600, 10),
  callLimit(LIMITS_JOB_STARTS, 'How often one caller may start runs by hand.', 60, 1),
  {
    key: LIMITS_SIGN_IN,
    bounds: { type: 'integer', least: 3, greatest: 20 },
    unit: 'tries in 15 minutes',
    fallback: 5,
    variable: null,
    description: 'Wrong passwords of one account from one address before it is locked out.',
    effect: 'Within 5 s in every process; who is locked out stays so.',
  },
]

/** All settings in the order in which lists show them. */
export const SETTINGS: readonly SettingSpec[] = [
  {
    key: PAYOUTS_PAUSED,
    bounds: { type: 'switch', door: 'groundstop payouts pause|resume' },
    unit: null,
    fallback: false,
    variable: null,
    description: 'The kill switch of payouts: all of them, or those of products.',
    effect: 'From the next payout sent; what is at the rail arrives.',
  },
  {
    key: PAYOUTS_APPROVAL_LIMIT,
    bounds: { type: 'limit' },
    unit: 'minor units',
    fallback: null,
    variable: null,
    description: 'A payout above it is not approved by a rule: people approve it.',
    effect: 'From the next approval; what was approved stays approved.',
  },
  {
    key: PAYOUTS_DAILY_CEILING,
    bounds: { type: 'limit' },
    unit: 'minor units a business day, UTC',
    fallback: null,
    variable: null,
    description: 'What rules may approve in a day; what goes beyond waits for people.',
    effect: 'From the next approval; what was approved stays approved.',
  },
  {
    key: REVIEWS_TWO_PERSON_LIMIT,
    bounds: { type: 'limit' },
    unit: 'minor units',
    fallback: null,
    variable: null,
    description: 'A review whose decision pays more needs a second person.',
    effect: 'From the next decision; proposals that wait are judged by the new value.',
  },
  {
    key: SALES_OPEN,
    bounds: { type: 'flag' },
    unit: null,
    fallback: true,
    variable: null,
    description: 'Whether new cover is quoted and bound. Policies that are bound stay covered.',
    effect: 'From the next quote or binding; a binding that has begun ends as it began.',
  },
  {
    key: RUNS_HISTORY_DAYS,
    bounds: { type: 'integer', least: 1, greatest: HISTORY_DAYS_AT_MOST },
    unit: 'days',
    fallback: HISTORY_DAYS_DEFAULT,
    variable: null,
    description: 'How long ended runs are kept for lists, totals and averages.',
    effect: 'From the next pass of the run projection; a longer time brings nothing back.',
  },
  {
    key: RETENTION_DAYS,
    bounds: { type: 'retention' },
    unit: 'days by class',
    fallback: null,
    variable: null,
    description: 'How long messages, files, logs, observations and expired rows are kept.',
    effect: 'From the next cleanup; a longer time brings nothing back.',
  },
  {
    key: CLEANUP_BATCH_SIZE,
    bounds: { type: 'integer', least: LEAST_BATCH_SIZE, greatest: GREATEST_BATCH_SIZE },
    unit: 'rows or files',
    fallback: DEFAULT_BATCH_SIZE,
    variable: null,
    description: 'How many a cleanup removes at once.',
    effect: 'From the next cleanup.',
  },
  {
    key: LOGS_ROTATE_MB,
    bounds: { type: 'integer', least: ROTATE_MB.least, greatest: ROTATE_MB.greatest },
    unit: 'millions of bytes',
    fallback: ROTATE_MB.fallback,
    variable: null,
    description: 'From which size on a log file of a worker or an API is rotated.',
    effect: 'Within 5 s in every process; files that are rotated already stay as they are.',
  },
  {
    key: LOGS_KEEP_FILES,
    bounds: { type: 'integer', least: KEEP_FILES.least, greatest: KEEP_FILES.greatest },
    unit: 'files of a log',
    fallback: KEEP_FILES.fallback,
    variable: null,
    description: 'How many rotated files of each log are kept; how long is in retention.days.',
    effect: 'From the next log-pruning; a greater number brings nothing back.',
  },
  {
    key: AUDIT_KEEP_DAYS,
    bounds: { type: 'integer', least: AUDIT_KEPT_DAYS.least, greatest: AUDIT_KEPT_DAYS.greatest },
    unit: 'days',
    fallback: AUDIT_KEPT_DAYS.fallback,
    variable: null,
    description: 'How long audit events stay in the database before they go on in archive files.',
    effect: 'From the next audit-log-archive; a greater number brings nothing back.',
  },
  {
    key: SECRETS_MAX_AGE_DAYS,
    bounds: { type: 'integer', least: 1, greatest: 730 },
    unit: 'days',
    fallback: 90,
    variable: null,
    description: 'How old an active key becomes before another follows it.',
    effect: 'From the next secret-rotation; runs in flight keep their keys.',
  },
  {
    key: SECRETS_GRACE_DAYS,
    bounds: { type: 'integer', least: 1, greatest: 365 },
    unit: 'days',
    fallback: 7,
    variable: null,
    description: 'How long a replaced key still opens and verifies at least.',
    effect: 'From the next secret-rotation; a key of payloads stays as long as a run needs it.',
  },
  {
    key: SECRETS_DISTRIBUTION_MINUTES,
    bounds: { type: 'integer', least: 1, greatest: 1_440 },
    unit: 'minutes',
    fallback: 5,
    variable: null,
    description: 'How long a new key is handed out at least before it is used.',
    effect: 'From the next look of secret-rotation; a key that is in use stays in use.',
  },
  {
    key: JOBS_LIMITS,
    bounds: { type: 'job-limits' },
    unit: 'runs at work at once, runs that begin in a minute',
    fallback: null,
    variable: null,
    description: 'Limits of jobs over all workers, in place of those that the jobs declare.',
    effect:
      'From the next run that begins or ends; runs at work stay, those that wait look within 10 s.',
  },
  {
    key: ALERTS_OWNERS,
    bounds: { type: 'alert-owners' },
    unit: 'channels and an address by owner',
    fallback: null,
    variable: null,
    description:
      'How owners of jobs are told that one failed, waits or is late; all channels where not said.',
    effect: 'From the next alert; an address also for those that are queued.',
  },
  {
    key: LOG_LEVEL,
    bounds: {
      type: 'choice',
      choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    },
    unit: null,
    fallback: 'info',
    variable: 'LOG_LEVEL',
    description: 'How much workers and API log.',
    effect: 'Within 5 s in every process; runs go on.',
  },
  ...LIMITS,
]

/** The setting of a key; undefined if there is none. */
export function findSetting(key: string): SettingSpec | undefined {
  return SETTINGS.find((one) => one.key === key)
}

/** What a value may be, in words. */
export function boundsText(bounds: SettingBounds): string {
  switch (bounds.type) {
    case 'flag':
      return 'true or false'
    case 'integer':
      return `a whole number from ${bounds.least} to ${bounds.greatest}`
    case 'choice':
      return `one of ${bounds.choices.join(', ')}`
    case 'limit':
      return `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, or one for each currency, as {"USD": 50000}`
    case 'retention':
      return `days from a class's least to ${GREATEST_DAYS}, as {"files": 60}; ${retentionText()}`
    case 'job-limits':
      return jobLimitsText()
    case 'alert-owners':
      return ALERT_OWNERS_TEXT
    case 'switch':
      return `changed by \`${bounds.door}\``
  }
}

/** Whether a value is within a setting's bounds. */
export function isWithinBounds(value: unknown, bounds: SettingBounds): boolean {
  switch (bounds.type) {
    case 'flag':
      return typeof value === 'boolean'
    case 'integer':
      return isWhole(value) && value >= bounds.least && value <= bounds.greatest
    case 'choice':
      return typeof value === 'string' && bounds.choices.includes(value)
    case 'limit':
      return isAmount(value) || isAmountByCurrency(value)
    case 'retention':
      return isRetention(value)
    case 'job-limits':
      return isJobLimitsSetting(value)
    case 'alert-owners':
      return isAlertOwners(value)
    case 'switch':
      return false
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isAmount(value: unknown): boolean {
  return isWhole(value) && value >= 0
}

function isAmountByCurrency(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value)
  return entries.length > 0 && entries.every(([code, amount]) => isCode(code) && isAmount(amount))
}

function isCode(code: string): boolean {
  try {
    knownCurrency(code)
    return true
  } catch {
    return false
  }
}

/**
 * What holds: the stored value if it is within bounds, else the default of the environment, else the
 * fallback. Not for limits and switches of money, whose readers stop at what they cannot read.
 */
export function effectiveValue(spec: SettingSpec, stored: unknown, fromEnv: unknown): unknown {
  if (stored !== null && isWithinBounds(stored, spec.bounds)) return stored
  return fromEnv ?? spec.fallback
}

function jobLimitsText(): string {
  const { concurrent, perMinute } = JOB_LIMIT_BOUNDS
  return (
    `limits of ${LIMITED_JOBS.join(', ')}, as {"report": {"concurrent": 2, "perMinute": null}}; concurrent to ` +
    `${concurrent.greatest}, perMinute to ${perMinute.greatest}, null without limit`
  )
}

function retentionText(): string {
  const classes = Object.entries(RETENTION)
  return classes.map(([name, { leastDays }]) => `${name} from ${leastDays}`).join(', ')
}

function isRetention(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const known = new Map<string, { readonly leastDays: number }>(Object.entries(RETENTION))
  const days = Object.entries(value)
  return (
    days.length > 0 &&
    days.every(([name, count]) => {
      const least = known.get(name)?.leastDays
      return least !== undefined && isWhole(count) && count >= least && count <= GREATEST_DAYS
    })
  )
}
