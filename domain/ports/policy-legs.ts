/** Which leg a policy covers. */

export interface PolicyLegs {
  /** The leg's id, by the policy's id or its number; null when there is no such policy. */
  legOfPolicy(policyIdOrNumber: string): Promise<string | null>
}
