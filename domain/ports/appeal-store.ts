/** Where holders' appeals are taken and kept. */
import type { AppealableState, AppealRefusal, AppealResult } from '../appeal.ts'
import type { Currency, MinorUnits } from '../money.ts'
import type { Instant } from '../time.ts'

/** An appeal as it comes in. */
export type NewAppeal = {
  readonly policyNumber: string
  /** Who takes it in, for the audit trail. */
  readonly by: string
  readonly reason: string
  /** What the holder brings: a text, or where a document is kept; null for nothing. */
  readonly evidence: string | null
  /** The same for every repeat of one request; null when nobody repeats it. */
  readonly requestId: string | null
  readonly at: Instant
}

/** An appeal. What was asked never changes; its end is written once. */
export type Appeal = {
  readonly appealId: string
  /** Of its policy, from 1 on. */
  readonly n: number
  readonly caseId: string
  readonly reason: string
  readonly evidence: string | null
  readonly filedBy: string
  readonly filedAt: Instant
  /** The policy's state when it was made. */
  readonly stateBefore: AppealableState
  /** Null while it is open. */
  readonly result: AppealResult | null
  /** Why it ended so, as the holder is told. */
  readonly grounds: string | null
  /** What is paid more; null when nothing is. */
  readonly moreMinor: MinorUnits | null
  readonly decidedAt: Instant | null
}

/** What became of a request. */
export type FiledAppeal =
  | {
      readonly kind: 'filed'
      /** False when the same request made it before. */
      readonly isNew: boolean
      readonly appeal: Appeal
    }
  | { readonly kind: 'refused'; readonly refusal: AppealRefusal }
  | { readonly kind: 'no-policy' }

/** A policy's appeals, and whether another one would be taken now. */
export type PolicyAppeals = {
  readonly policyNumber: string
  readonly currency: Currency
  /** The first moment at which it is too late; null while nothing is decided. */
  readonly until: Instant | null
  /** Why one would not be taken now; null when it would. */
  readonly refusal: AppealRefusal | null
  /** The oldest first. */
  readonly appeals: readonly Appeal[]
}

/** Takes appeals. */
export interface AppealStore {
  /**
   * Takes an appeal in one transaction: the appeal, its review case, the policy into review, audit,
   * notice. Takes turns with decisions of the leg. A repeated request changes nothing.
   */
  file(appeal: NewAppeal): Promise<FiledAppeal>
  /** Null when there is no such policy. */
  list(policyNumber: string, now: Instant): Promise<PolicyAppeals | null>
}
