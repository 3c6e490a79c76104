/** People and review cases: claim, release, escalate and decide. The one way in for every door. */
import { randomUUID } from 'node:crypto'

import type { Clock } from '../domain/ports/clock.ts'
import type { PayoutRuns } from '../domain/ports/payout-runs.ts'
import type { PayoutStore } from '../domain/ports/payout-store.ts'
import type { JudgedReview, ReviewDecisions } from '../domain/ports/review-decisions.ts'
import type { ReviewSnapshot } from '../domain/review-case.ts'
import type { ReviewDecision } from '../domain/review-decision.ts'
import {
  judgeDecision,
  judgeMove,
  type ReviewJudgement,
  type ReviewNote,
  type ReviewRefusal,
} from '../domain/review-judgement.ts'
import { approvePayouts } from './approve-payouts.ts'
import { cancelPayouts } from './cancel-payouts.ts'

/** What deciding works over. */
export type DecideReviewDeps = {
  readonly reviewDecisions: ReviewDecisions
  readonly payoutStore: PayoutStore
  readonly payoutRuns: PayoutRuns
  readonly clock: Clock
}

/** Who acts on which case and why. */
export type ReviewRequest = {
  readonly caseId: string
  readonly by: string
  readonly reason: string
  /** The same for each repeat of one request; a repeat then does nothing more. */
  readonly requestId?: string
}

/** The case after an action. */
export type ReviewActed = {
  readonly caseId: string
  readonly state: string
  readonly assignee: string | null
  readonly resolution: string | null
  /** Proposed: another person must confirm or refuse it. */
  readonly awaitsSecondPerson: boolean
  readonly waitUntil: string | null
  readonly policiesPaid: number
  readonly policiesDenied: number
  readonly payoutsCreated: number
}

/** There is no such case. Never retried. */
export class ReviewNotFoundError extends Error {
  override readonly name = 'ReviewNotFoundError'
  readonly code = 'REVIEW_NOT_FOUND'

  constructor(caseId: string) {
    super(`review case ${caseId} does not exist`)
  }
}

/** The case does not allow it now; nothing was changed. Never retried. */
export class ReviewRefusedError extends Error {
  override readonly name = 'ReviewRefusedError'
  readonly code: ReviewRefusal

  constructor(code: ReviewRefusal, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Claims a case for oneself, releases one's own, or hands one up. Repeating changes nothing. Throws
 * ReviewNotFoundError and ReviewRefusedError.
 */
export async function moveReview(
  deps: Pick<DecideReviewDeps, 'reviewDecisions' | 'clock'>,
  input: ReviewRequest & { readonly action: 'claim' | 'release' | 'escalate' },
): Promise<ReviewActed> {
  const note = await noteOf(deps, input)
  const { caseId, action } = input
  const judge = (current: ReviewSnapshot) => judgeMove(current, action, note)
  return acted(caseId, deps.reviewDecisions.change(caseId, note, judge))
}

/**
 * Decides a case and carries the decision out. Above the limit (setting `reviews.twoPersonLimitMinor`)
 * it is kept until another person confirms it. Of several at once one decides, the others are refused.
 * Repeatable with the same `requestId`. Throws ReviewNotFoundError, ReviewRefusedError, and for payouts
 * SecondApproverError.
 */
export async function decideReview(
  deps: DecideReviewDeps,
  input: ReviewRequest & { readonly decision: ReviewDecision },
): Promise<ReviewActed> {
  const { caseId, decision } = input
  const note = await noteOf(deps, input)
  const judge = (current: ReviewSnapshot): ReviewJudgement => judgeDecision(current, decision, note)
  const current = await deps.reviewDecisions.read(caseId)
  if (current === null) throw new ReviewNotFoundError(caseId)
  const judged = judge(current)
  const kind = effective(current, decision)
  const isPayoutMove = kind === 'retry' || kind === 'cancel'
  if (isPayoutMove && judged.kind === 'change' && judged.fields.state === 'RESOLVED') {
    const held = await movePayout(deps, current, kind, note)
    if (held !== null) return held
  }
  return acted(caseId, deps.reviewDecisions.change(caseId, note, judge))
}

/** What a decision is about: confirming carries out what was proposed. */
function effective({ proposal }: ReviewSnapshot, { outcome }: ReviewDecision): string {
  return outcome === 'confirm' && proposal !== null ? proposal.decision.outcome : outcome
}

/**
 * Moves the payout before its case is closed: after a crash in between the case is still there, and
 * every step may be repeated. Returns what to tell when the payout waits for its second approver.
 */
async function movePayout(
  deps: DecideReviewDeps,
  { caseId, payout, state, assignee, resolution, waitUntil }: ReviewSnapshot,
  kind: 'retry' | 'cancel',
  { by, reason, requestId }: ReviewNote,
): Promise<ReviewActed | null> {
  if (payout === null) return null
  const { payoutId, batchId } = payout
  const payoutIds = [payoutId]
  if (kind === 'cancel') {
    // As it was when this was decided: somebody else's retry of the same moment is not undone unsaid.
    const from = payout.state
    const { refusedPayoutIds } = await cancelPayouts(deps, { payoutIds, by, reason, from })
    if (refusedPayoutIds.length === 0) return null
    throw new ReviewRefusedError('CASE_CHANGED', 'the payout was moved meanwhile: look again')
  }
  if (['CREATED', 'FAILED', 'RETURNED'].includes(payout.state)) {
    const approval = await approvePayouts(deps, { payoutIds, approvedBy: by, reason, requestId })
    if (approval.awaitingSecond !== undefined) {
      const standing = { caseId, state, assignee, resolution, waitUntil }
      return { ...NOTHING_MOVED, ...standing, awaitsSecondPerson: true }
    }
    if (approval.heldPayoutIds.length > 0) {
      throw new ReviewRefusedError('OUTCOME_NOT_POSSIBLE', 'payouts are paused: resume them first')
    }
    if (approval.approved === 0) {
      throw new ReviewRefusedError('CASE_CHANGED', 'the payout was moved meanwhile: look again')
    }
  }
  await deps.payoutRuns.carryOn({ payoutId, batchId, caseId, by, reason })
  return null
}

const NOTHING_MOVED = { policiesPaid: 0, policiesDenied: 0, payoutsCreated: 0 }

async function noteOf(
  { clock }: { readonly clock: Clock },
  { by, reason, requestId }: ReviewRequest,
): Promise<ReviewNote> {
  return { by, reason, at: await clock.now(), requestId: requestId ?? randomUUID() }
}

async function acted(caseId: string, change: Promise<JudgedReview | null>): Promise<ReviewActed> {
  const judged = await change
  if (judged === null) throw new ReviewNotFoundError(caseId)
  const { judgement, after, policiesPaid, policiesDenied, payoutsCreated } = judged
  if (judgement.kind === 'refused') throw new ReviewRefusedError(judgement.code, judgement.message)
  const { state, assignee, resolution, waitUntil, proposal } = after
  return {
    caseId,
    state,
    assignee,
    resolution,
    awaitsSecondPerson: proposal !== null,
    waitUntil,
    policiesPaid,
    policiesDenied,
    payoutsCreated,
  }
}
