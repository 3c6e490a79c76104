/** Whether a thing is a tenant's: asked before anything is done to it for that tenant. */

/** What a tenant sees; false also for what does not exist. Whose a thing is never changes. */
export interface TenantSight {
  policy(policyNumber: string): Promise<boolean>
  quote(quoteId: string): Promise<boolean>
  payout(payoutId: string): Promise<boolean>
  reviewCase(caseId: string): Promise<boolean>
  notification(notificationId: string): Promise<boolean>
  /** By the policies' `payee_ref`. */
  holder(holderRef: string): Promise<boolean>
  privacyRequest(requestId: string): Promise<boolean>
}
