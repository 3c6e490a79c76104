/** Legs whose facts got old between two polls of their plan. */
import type { PollPhase } from '../poll-plan.ts'
import type { Instant } from '../time.ts'

/** What counts as old, and how much is claimed. */
export type StaleLegsRequest = {
  readonly claimedBy: string
  readonly now: Instant
  /** A leg asked about longer ago than its phase's limit is stale; other phases never are. */
  readonly staleAfterMs: Readonly<Partial<Record<PollPhase, number>>>
  /** A leg that is polled before this is not refreshed. */
  readonly notPolledBefore: Instant
  /** Legs at most. */
  readonly limit: number
  /** Wall time after which others may take the legs. Milliseconds. */
  readonly leaseMs: number
}

/** Claims of stale legs: while one holds, no tick asks about the leg. */
export interface StaleLegs {
  /** Claims stale legs with undecided policies, the longest not asked about first. */
  claim(request: StaleLegsRequest): Promise<string[]>
  /** Gives legs back that were not written. */
  release(claimedBy: string): Promise<void>
}
