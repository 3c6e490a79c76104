/** Counts how often something was done, as a port. */
import type { LimitRule } from '../rate-limit.ts'

/** What became of one more. */
export type Taken = {
  readonly isAllowed: boolean
  /** How many there were in the window, this one included. */
  readonly count: number
  /** How many are left of it. */
  readonly left: number
  /** Until the window, or the lock, ends. */
  readonly resetMs: number
}

/** Counts by rule and key. A rule's number may change between two calls. */
export interface RateLimits {
  /** Counts one more, also when it is too many. */
  take(rule: LimitRule, key: string): Promise<Taken>
  /** Takes back one that was counted. */
  giveBack(rule: LimitRule, key: string): Promise<void>
  /** Allows nothing for so long, however many are left. */
  lock(rule: LimitRule, key: string, lockMs: number): Promise<void>
  forget(rule: LimitRule, key: string): Promise<void>
}
