/** The runs that look after review cases, one a case. */

/** Starts and ends them. */
export interface ReviewRuns {
  /** Starts the case's run, or leaves the open one alone. */
  start(caseId: string): Promise<void>
  /** Has the case's run look at once, so that it ends when the case has. None open: nothing. */
  wake(caseId: string): Promise<void>
}
