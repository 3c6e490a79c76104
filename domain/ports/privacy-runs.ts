/** The runs that answer requests of persons about their own data. */

/** Starts them. */
export interface PrivacyRuns {
  /** Starts the run of a request, or joins the open one. */
  start(requestId: string): Promise<void>
}
