/** Where payouts, their batches and their attempts are kept. */
import type { Money } from '../money.ts'
import type { PayoutState } from '../payout.ts'
import type { Instant } from '../time.ts'

/** Which payouts an operation is about: a batch, or some payouts by id. */
export type PayoutSelection =
  | { readonly batchId: string }
  | { readonly payoutIds: readonly string[] }

/** Who cancels and why. */
export type PayoutCancellation = {
  readonly by: string
  readonly reason: string
  readonly at: Instant
  /** Only payouts in this state, as whoever decided saw them. Absent: in any that can be cancelled. */
  readonly from?: PayoutState | undefined
}

/** An attempt that waits for the rail's answer, with all that its request is made of. */
export type OpenAttempt = {
  readonly payoutId: string
  readonly policyId: string
  readonly n: number
  readonly idempotencyKey: string
  readonly amount: Money
  readonly payeeRef: string
}

/** An attempt by its key: number `n` of the payout. */
export type AttemptKey = { readonly payoutId: string; readonly n: number }

/** The rail moved the money. */
export type AcceptedAnswer = AttemptKey & { readonly transferId: string }

/** The rail accepted and will confirm later. */
export type InTransitAnswer = AcceptedAnswer

/** The rail refused, nothing moved: for good, or (when postponed) for want of balance. */
export type RejectedAnswer = AttemptKey & { readonly code: string }

/** Whether money moved is not known. */
export type UnknownAnswer = AttemptKey & {
  readonly code: string
  /** The rail may have stored this answer for good: counted, see domain/payout-resolution.ts. */
  readonly isStorable: boolean
}

/** The rail moved money otherwise than asked: for people. */
export type MismatchedAnswer = AttemptKey & {
  readonly transferId: string
  /** What differs, for the review: field names with wanted and found, no personal data. */
  readonly differences: Readonly<Record<string, readonly [wanted: string, found: string]>>
}

/** Where the payouts of a selection stand. */
export type PayoutStanding = {
  /** Payouts that are paid. */
  readonly settled: number
  /** Failed for good, paid wrongly, or came back: a review case is open, nothing is sent by itself. */
  readonly rejectedPayoutIds: string[]
  /** Neither paid nor refused: to be sent again or looked up. */
  readonly unknownPayoutIds: string[]
  /**
   * Not sent because a control holds them: not approved, or approved (and then unknown as well) and
   * kept by the kill switch or a rail without balance. Absent when there are none.
   */
  readonly heldPayoutIds?: string[]
  /** Accepted by the rail and not yet confirmed: nothing is sent again. Absent when there are none. */
  readonly inTransit?: number
}

/** Who approves. */
export type PayoutApproval = {
  readonly by: string
  readonly isByPerson: boolean
  readonly at: Instant
  /** A person's reason, for the audit trail. */
  readonly reason: string | null
  /** The same for every repeat of one request, so that a repeat is not taken for a second person's. */
  readonly requestId: string
  /**
   * FAILED payouts leave their batch, whose run may be over, and go with the next one. Absent: they stay
   * with the run that asks.
   */
  readonly leavesBatch?: boolean
}

/** A payout with its open attempt, if any, for `resolvePayout`. */
export type PayoutToResolve = {
  readonly payoutId: string
  readonly state: PayoutState
  readonly amount: Money
  readonly payeeRef: string
  readonly attempt:
    | (AttemptKey & {
        readonly provider: string
        readonly startedAt: Instant
        readonly serverErrors: number
        readonly absentSince: Instant | null
      })
    | null
}

/** Payouts, their batches and attempts; money states move with their ledger postings. */
export interface PayoutStore {
  /**
   * Puts unbatched payouts, oldest first, into new batches: CREATED ones, and APPROVED ones that left
   * the batch of an earlier attempt. Payouts that another caller holds
   * are passed over, so no payout is ever in two batches. Returns how many payouts were taken.
   */
  batchCreated(limits: { readonly batchSize: number; readonly maxBatches: number }): Promise<number>
  /** Batches whose workflow was not yet started, oldest first. */
  listUnstartedBatches(limit: number): Promise<string[]>
  /** Idempotent: the first mark stays. Returns how many were marked now. */
  markBatchesStarted(batchIds: readonly string[]): Promise<number>

  /**
   * CREATED to APPROVED for all that no rule holds: the kill switch `payouts.paused`, and for
   * approvals by rule the limit `payouts.approvalLimitMinor` and the day's ceiling
   * `payouts.dailyCeilingMinor` (a review case `DAILY_CEILING` a currency and day). A person's
   * approval also takes FAILED and RETURNED payouts and closes their reviews; above the limit it takes two people:
   * the first is recorded. Repeating changes nothing.
   */
  approve(
    selection: PayoutSelection,
    approval: PayoutApproval,
  ): Promise<{
    approved: number
    heldPayoutIds: string[]
    /** Of those held: approved by this person as the first of two. */
    awaitingSecondIds: string[]
    /** Of those held: this person approved them before and cannot be the second. */
    samePersonIds: string[]
  }>

  /**
   * Phase A: every APPROVED payout that is not paused gets attempt n + 1 and is SUBMITTED, with
   * `sub:` in the ledger, in one transaction. On a rail without balance only one payout, when it is
   * time to try again. Returns how many attempts were opened.
   */
  openAttempts(
    selection: PayoutSelection,
    attempt: { readonly provider: string; readonly at: Instant },
  ): Promise<number>
  /** Open attempts at `provider` that may be sent (again) at `now`, by payout id. */
  listSendableAttempts(
    selection: PayoutSelection,
    attempt: { readonly provider: string; readonly now: Instant },
  ): Promise<OpenAttempt[]>

  /**
   * Phase C: the money moved. Attempt, payout, policy and ledger in one statement. Answers already
   * recorded are passed over; a transfer that no open attempt waits for opens a review.
   */
  recordAccepted(answers: readonly AcceptedAnswer[], at: Instant): Promise<void>
  /**
   * Phase C: the rail accepted and will confirm. Attempt ACCEPTED, payout IN_TRANSIT; the money stays in
   * flight in the ledger. Answers already recorded are passed over as by `recordAccepted`.
   */
  recordInTransit(answers: readonly InTransitAnswer[], at: Instant): Promise<void>
  /** Phase C: the rail refused. Payout FAILED, ledger reversed, policy and payout in review. */
  recordRejected(answers: readonly RejectedAnswer[], at: Instant): Promise<void>
  /**
   * Phase C: the rail has no balance. Attempt closed, ledger reversed, payout APPROVED again; the
   * rail is tried by one payout at a time, and one review `RAIL_BALANCE_EXHAUSTED` a day is opened.
   */
  recordPostponed(answers: readonly RejectedAnswer[], at: Instant): Promise<void>
  /** Phase C: no answer to rely on. The attempt stays open and counts the sending. */
  recordUnknown(answers: readonly UnknownAnswer[], at: Instant): Promise<void>
  /** Money moved, but not as asked. Never paid by this: attempt closed as UNKNOWN, review opened. */
  recordMismatched(answers: readonly MismatchedAnswer[], at: Instant): Promise<void>
  /** Where the selection stands now, with rail `provider`. */
  readStanding(selection: PayoutSelection, provider: string): Promise<PayoutStanding>

  /** Null when there is no such payout. */
  readForResolving(payoutId: string): Promise<PayoutToResolve | null>
  /** Remembers the first empty look-up of an open attempt. */
  recordAbsence(attempt: AttemptKey, at: Instant): Promise<void>
  /**
   * Closes an open attempt as UNKNOWN, reverses its ledger and lets a new attempt follow: the payout
   * is APPROVED again, or, above the approval limit, FAILED with a review. Null when not open any more.
   */
  abandonAttempt(attempt: AttemptKey, at: Instant): Promise<'APPROVED' | 'FAILED' | null>

  /**
   * CREATED, APPROVED, FAILED and RETURNED to CANCELLED; the money waits in suspense for the review that is
   * opened. What is at the rail or paid, or not in the state meant, is refused. Cancelling again changes
   * nothing.
   */
  cancel(
    selection: PayoutSelection,
    cancellation: PayoutCancellation,
  ): Promise<{ cancelled: number; refusedPayoutIds: string[] }>
}
