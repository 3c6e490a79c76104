/** How often who may do what, and how long somebody is locked out who guesses passwords. */
import { HOUR_MS, MINUTE_MS } from './time.ts'

/** What requests are counted as. */
export type CallClass = 'read' | 'change' | 'job-start'

/** How often one caller may read in a minute. */
export const LIMITS_READS = 'limits.readsPerMinute'
/** How often one caller may change something in a minute. */
export const LIMITS_CHANGES = 'limits.changesPerMinute'
/** How often one caller may start runs by hand in a minute. */
export const LIMITS_JOB_STARTS = 'limits.jobStartsPerMinute'
/** Wrong passwords before a lock-out. */
export const LIMITS_SIGN_IN = 'limits.signInAttempts'

/** The setting of each class. */
export const LIMIT_SETTINGS: Readonly<Record<CallClass, string>> = {
  read: LIMITS_READS,
  change: LIMITS_CHANGES,
  'job-start': LIMITS_JOB_STARTS,
}

/** One limit: so many in so long. */
export type LimitRule = {
  /** Counts of one name are one limit. */
  readonly name: string
  readonly points: number
  readonly windowMs: number
}

/** Runs that a person starts cost more than a change: a path of its own. */
const JOB_STARTS =
  /^\/api\/admin\/scheduler\/(jobs|schedules\/[^/]+\/(run|backfill)|dead-letters\/redrive)\/?$/i

/** What a request counts as. */
export function callClassOf(method: string, path: string): CallClass {
  if (method === 'GET' || method === 'HEAD') return 'read'
  return method === 'POST' && JOB_STARTS.test(path) ? 'job-start' : 'change'
}

/** Tries of a password are counted over this; a right one forgets them. */
export const SIGN_IN_WINDOW_MS: number = 15 * MINUTE_MS
/** From one address, or for one account, as many times what both together may. */
export const SIGN_IN_WIDER = 10
/** Lock-outs are counted over a day: each is twice as long as the one before. */
export const LOCK_OUT_WINDOW_MS: number = 24 * HOUR_MS
const FIRST_LOCK_OUT_MS = MINUTE_MS
const LONGEST_LOCK_OUT_MS = HOUR_MS

/** How long the n-th lock-out of a day lasts: 1, 2, 4 ... 60 minutes. */
export function lockOutMs(n: number): number {
  return Math.min(FIRST_LOCK_OUT_MS * 2 ** Math.max(0, n - 1), LONGEST_LOCK_OUT_MS)
}

/** Mails with a code in an hour, to one address. */
export const MAIL_RULE: LimitRule = { name: 'account-mail', points: 5, windowMs: HOUR_MS }
