/** The clock as a port: the only way that time enters a decision. */
import type { Instant } from '../time.ts'

/** Tells the business time. */
export interface Clock {
  /** The business instant now: wall time in production, virtual time in the demo and in tests. */
  now(): Promise<Instant>
}

/** What a clock's row says; `speed` is virtual seconds per wall second, 0 when stopped. */
export type ClockReading = { readonly now: Instant; readonly speed: number }
