/** How long money and decisions took, read back from what was stored, for histograms. */
import type { Instant } from '../time.ts'

/** What was settled and decided within one reading. Milliseconds, in no order. */
export type Latencies = {
  /** The end of this reading: where the next one begins. */
  readonly until: Instant
  /** Wall time from the making of a payout to its acceptance by the provider. */
  readonly payoutMs: readonly number[]
  /** Business time from the last change that the provider showed to the decision. */
  readonly decisionMs: readonly number[]
}

/** Reads on from where the last reading ended. */
export interface LatencyLog {
  /** What was settled and decided after `since`, wall time. */
  readSince(since: Instant): Promise<Latencies>
}
