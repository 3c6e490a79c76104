/** How long a run waits for what settles by itself: facts under way, writers of files. */

/** The server's timers are no finer; and what settles takes minutes at most. */
const LEAST_WAIT_MS = 1_000
const GREATEST_WAIT_MS = 300_000

/** A wait for what settles in so many milliseconds. */
export function settlingWaitMs(settlesInMs: number): number {
  return Math.min(Math.max(settlesInMs, LEAST_WAIT_MS), GREATEST_WAIT_MS)
}
