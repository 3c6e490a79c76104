/** Where open cases are looked after: closed when their reason is gone, given a run, kept moving. */
import type { DecidedByData } from '../review-case.ts'
import type { TendedReview, TendingPlan } from '../review-tending.ts'
import type { Instant } from '../time.ts'

/** A case that ended by itself. */
export type ClosedReview = { readonly caseId: string; readonly resolution: string }

/** How the runs of cases stand. */
export type ReviewRunCounts = {
  /** Open cases that have a run. */
  readonly open: number
  /** Open cases that wait for one. */
  readonly waiting: number
}

/** Looks after cases. */
export interface ReviewTending {
  /** Closes up to `limit` cases whose reason is gone, each with its resolution and an audit event. */
  closeGone(now: Instant, limit: number): Promise<ClosedReview[]>
  /** Resolved cases whose run may still be open. */
  listEnded(limit: number): Promise<string[]>
  /** Their runs know it. */
  markEnded(caseIds: readonly string[]): Promise<void>
  /**
   * Open cases without a run, the oldest first, as many as fit under `cap` open runs; and those whose
   * run gave no sign of life for `staleMs` of wall time.
   */
  listToStart(limits: { readonly cap: number; readonly staleMs: number }): Promise<string[]>
  /** Their runs were started, or gave a sign of life. */
  markStarted(caseIds: readonly string[]): Promise<void>
  countRuns(): Promise<ReviewRunCounts>
  /** Null when there is no such case. */
  read(caseId: string): Promise<TendedReview | null>
  /**
   * Carries a plan out while the case is still as it was read: claim released, handed up, reminded.
   * False when somebody moved it meanwhile; nothing is done then.
   */
  carryOut(review: TendedReview, plan: TendingPlan, now: Instant): Promise<boolean>
  /**
   * Carries automatic evaluations out on the policies that wait for the case, and closes it when none
   * waits any more. Of a person and the data at once one decides.
   */
  decideByData(
    caseId: string,
    evaluationIds: readonly string[],
    now: Instant,
  ): Promise<DecidedByData>
}
