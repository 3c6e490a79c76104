/**
 * When a payout run tries again, and when it stops trying and waits for people. Pure but for the
 * clock's speed: waits are business time, so a fast virtual clock shortens them.
 */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/time.ts'

/**
 * held: approval is withheld, by the kill switch or a limit. outage: most transfers of a round got
 * no answer. straggler: one transfer got none while others did.
 */
export type PayoutWaitKind = 'held' | 'outage' | 'straggler'

/** Try again after a wait, or leave the payout to people. */
export type PayoutRetryPlan =
  | { readonly action: 'wait'; readonly wallMs: number }
  | { readonly action: 'park' }

type Policy = {
  readonly firstMs: number
  readonly capMs: number
  /** Rounds after which the run waits for an operator; null never does. */
  readonly parkAfterRounds: number | null
}

const POLICIES: Readonly<Record<PayoutWaitKind, Policy>> = {
  // The switch is looked at again by itself, so that lifting it needs no update per batch.
  held: { firstMs: 5 * SECOND_MS, capMs: 5 * MINUTE_MS, parkAfterRounds: null },
  // 2 s, 4 s ... 5 min: about a day in all. A rail that is out comes back within that, or people know.
  outage: { firstMs: 2 * SECOND_MS, capMs: 5 * MINUTE_MS, parkAfterRounds: 300 },
  // 30 s, 1 min ... 1 h: two days, well past the age at which a look-up may close the attempt.
  straggler: { firstMs: 30 * SECOND_MS, capMs: HOUR_MS, parkAfterRounds: 56 },
}

/** Timers finer than a second do not exist on the server. */
const LEAST_WALL_MS = SECOND_MS

/** On a stopped clock business time never comes, so the wait is short and the state is read again. */
const STOPPED_CLOCK_WALL_MS = 5 * SECOND_MS

/** A number of doublings after which every wait is at its cap; keeps the power a safe number. */
const GREATEST_DOUBLINGS = 30

/**
 * The plan after `rounds` rounds (at least 1) of one kind. `speed` is virtual seconds per wall
 * second: 1 on wall time, 0 on a stopped clock.
 */
export function planPayoutRetry(
  deps: { readonly speed: number },
  input: { readonly kind: PayoutWaitKind; readonly rounds: number },
): PayoutRetryPlan {
  const { firstMs, capMs, parkAfterRounds } = POLICIES[input.kind]
  if (parkAfterRounds !== null && input.rounds >= parkAfterRounds) return { action: 'park' }
  const doublings = Math.min(Math.max(input.rounds - 1, 0), GREATEST_DOUBLINGS)
  const businessMs = Math.min(firstMs * 2 ** doublings, capMs)
  return { action: 'wait', wallMs: toWallMs(businessMs, deps.speed) }
}

function toWallMs(businessMs: number, speed: number): number {
  if (speed === 0) return Math.min(businessMs, STOPPED_CLOCK_WALL_MS)
  return Math.max(LEAST_WALL_MS, Math.ceil(businessMs / speed / SECOND_MS) * SECOND_MS)
}
