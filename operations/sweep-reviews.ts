/**
 * Goes through all open cases, set by set: closes those whose reason is gone, ends the runs of what is
 * closed, and gives the oldest without a run one, up to a number of open runs.
 */
import type { Clock } from '../domain/ports/clock.ts'
import type { ReviewRuns } from '../domain/ports/review-runs.ts'
import type { ReviewTending } from '../domain/ports/review-tending.ts'
import { HOUR_MS } from '../domain/time.ts'

/** What sweeping works over. */
export type SweepReviewsDeps = {
  readonly reviewTending: ReviewTending
  readonly reviewRuns: ReviewRuns
  readonly clock: Clock
}

/** What a sweep did. */
export type SweptReviews = {
  readonly closed: number
  readonly started: number
  readonly ended: number
  /** Open cases with a run, and without one: those wait for their turn. */
  readonly open: number
  readonly waiting: number
}

/** Runs open at a time: some a second at the most, on a server that takes tens. The rest wait. */
export const OPEN_RUNS_AT_MOST = 100

/** Cases that one sweep closes or ends; more are left to the next one. */
const CASES_PER_SWEEP = 1_000

/** A run looks every six hours at least; one that was silent for longer is started again. Wall time. */
const STALE_MS = 12 * HOUR_MS

/** Sweeps once. Repeatable and safe to run at once: runs are named after their cases. */
export async function sweepReviews(
  deps: SweepReviewsDeps,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<SweptReviews> {
  const { reviewTending, reviewRuns, clock } = deps
  const closed = await reviewTending.closeGone(await clock.now(), CASES_PER_SWEEP)
  const ended = await reviewTending.listEnded(CASES_PER_SWEEP)
  let done = 0
  for (const caseId of ended) {
    options.signal?.throwIfAborted()
    await reviewRuns.wake(caseId)
    options.onProgress?.((done += 1))
  }
  await reviewTending.markEnded(ended)
  const limits = { cap: OPEN_RUNS_AT_MOST, staleMs: STALE_MS }
  const toStart = await reviewTending.listToStart(limits)
  for (const caseId of toStart) {
    options.signal?.throwIfAborted()
    await reviewRuns.start(caseId)
    // One by one: a sweep that dies half-way has started what it says.
    await reviewTending.markStarted([caseId])
    options.onProgress?.((done += 1))
  }
  const { open, waiting } = await reviewTending.countRuns()
  return { closed: closed.length, started: toStart.length, ended: ended.length, open, waiting }
}
