/** The runs that carry payouts out. */

/** What a person wants of a payout's run. */
export type PayoutRunRequest = {
  readonly payoutId: string
  readonly batchId: string | null
  /** Whose decision it is: one case starts one run at most. */
  readonly caseId: string
  readonly by: string
  readonly reason: string
}

/** Starts or wakes runs of payouts. */
export interface PayoutRuns {
  /**
   * Sees to it that a run looks at the payout now: wakes the open one, or starts one for this payout
   * alone. Safe to repeat.
   */
  carryOn(request: PayoutRunRequest): Promise<void>
}
