/** Accounts for coverage: every leg in its window must have been answered for within its phase's gap. */
import { maxGapMs } from '../domain/poll-plan.ts'
import type { PollPhase } from '../domain/poll-plan.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { CoverageAccount, CoverageRequest, LegStore } from '../domain/ports/leg-store.ts'
import { HOUR_MS, SECOND_MS, type Instant } from '../domain/time.ts'

/** What the coverage check works over. */
export type CheckCoverageDeps = {
  readonly legStore: Pick<LegStore, 'accountForCoverage'>
  readonly clock: Clock
}

/** A leg is in its window from this long before its scheduled departure until it is decided. */
export const WINDOW_BEFORE_OUT_MS = 2 * HOUR_MS

// A record, so that a new phase without a line here does not compile.
const PHASES: Readonly<Record<PollPhase, true>> = {
  PRE_WINDOW: true,
  PRE_DEPARTURE: true,
  AWAIT_OUT: true,
  EN_ROUTE: true,
  ARRIVAL: true,
  SETTLE: true,
  CANCEL_REPORTED: true,
  DIVERTED: true,
  UNKNOWN: true,
  DONE: true,
}

/** Opens an incident per leg that is late, closes the healed ones. Repeating changes nothing. */
export async function checkCoverage(
  deps: CheckCoverageDeps,
  _input: Readonly<Record<string, never>> = {},
): Promise<CoverageAccount> {
  return await deps.legStore.accountForCoverage(coverageRequest(await deps.clock.now()))
}

/** What counts as watched in time at `now`. */
export function coverageRequest(now: Instant): CoverageRequest {
  // The keys of PHASES are PollPhase by its type.
  const phases = Object.keys(PHASES) as PollPhase[]
  const limits = phases
    .map((phase) => ({ phase, maxGapS: Math.floor(maxGapMs(phase) / SECOND_MS) }))
    .filter(({ maxGapS }) => Number.isFinite(maxGapS))
  return { now, windowBeforeOutS: WINDOW_BEFORE_OUT_MS / SECOND_MS, limits }
}
