/**
 * What becomes of a case when a person claims, releases, escalates or decides it. Pure: the store locks
 * the case, asks here and writes the answer, so that of two people at once only one decides.
 */
import { minorUnits, shareOf, type BasisPoints } from './money.ts'
import {
  bpsOnBasis,
  greatestBps,
  isAboveLimit,
  sumShares,
  type CurrencySum,
  type ReviewGroup,
  type ReviewProposal,
  type ReviewSnapshot,
} from './review-case.ts'
import { isAppealCase, raisedBy } from './review-difference.ts'
import { LONGEST_WAIT_MS, type PayBasis, type ReviewDecision } from './review-decision.ts'
import { canMoveReview, type ReviewResolution, type ReviewState } from './review-state.ts'
import { addMs, type Instant } from './time.ts'

/** Who does something to a case, why and when. */
export type ReviewNote = {
  readonly by: string
  readonly reason: string
  readonly at: Instant
  /** The same for every repeat of one request. */
  readonly requestId: string
}

/** Why something is not done; stable. */
export type ReviewRefusal =
  | 'CASE_CLOSED'
  | 'CLAIMED_BY_OTHER'
  | 'NOT_CLAIMED_BY_YOU'
  | 'AWAITS_SECOND_PERSON'
  | 'NOTHING_PROPOSED'
  | 'SECOND_PERSON_NEEDED'
  | 'CASE_CHANGED'
  | 'OUTCOME_NOT_POSSIBLE'
  | 'WAIT_OUT_OF_RANGE'
  | 'LEG_STILL_WATCHED'
  // An earlier payout of a policy that is to get more is still under way.
  | 'PAYOUTS_UNSETTLED'
  // The pool does not hold what would be paid.
  | 'POOL_SHORT'

/** One policy group's evaluation by a person. */
export type ManualEvaluation = {
  readonly productVersionId: string
  readonly insuredScheduledIn: Instant
  readonly outcome: 'PAY' | 'NO_PAY'
  readonly bps: BasisPoints
  /** The delay that the person found; null when the payment rests on something else. */
  readonly delayMin: number | null
  readonly reasons: readonly string[]
}

/** The columns of a case that move. */
export type ReviewFields = {
  readonly state: ReviewState
  readonly assignee: string | null
  readonly waitUntil: Instant | null
  readonly proposal: ReviewProposal | null
  readonly resolution: ReviewResolution | null
}

/** What is to be written. */
export type ReviewChange = {
  readonly kind: 'change'
  /** For the audit trail: `review.pay`. */
  readonly action: string
  readonly fields: ReviewFields
  /** Empty unless policies are decided. */
  readonly evaluations: readonly ManualEvaluation[]
}

/** Refused, done before by the same request, or to be written. */
export type ReviewJudgement =
  | { readonly kind: 'refused'; readonly code: ReviewRefusal; readonly message: string }
  | { readonly kind: 'repeat' }
  | ReviewChange

/** Claims, releases or escalates. Claiming what one has, and escalating again, change nothing. */
export function judgeMove(
  current: ReviewSnapshot,
  action: 'claim' | 'release' | 'escalate',
  { by, requestId }: ReviewNote,
): ReviewJudgement {
  const { state, assignee } = current
  if (requestId === current.decisionRef) return { kind: 'repeat' }
  if (state === 'RESOLVED') return closed(current)
  const isMine = assignee !== null && isSamePerson(assignee, by)
  switch (action) {
    case 'claim':
      if (isMine) return { kind: 'repeat' }
      if (assignee !== null) return claimedByOther(assignee)
      return change(current, 'claim', { state: 'CLAIMED', assignee: by })
    case 'release':
      if (!isMine) return refused('NOT_CLAIMED_BY_YOU', `the case is not claimed by ${by}`)
      return change(current, 'release', { state: 'OPEN', assignee: null })
    case 'escalate':
      if (state === 'ESCALATED') return { kind: 'repeat' }
      return change(current, 'escalate', { state: 'ESCALATED', assignee: null, waitUntil: null })
  }
}

/**
 * Decides. Above the limit for one person the first decision is only proposed. `retry` and `cancel`
 * close the case; the payout itself is moved by the caller before.
 */
export function judgeDecision(
  current: ReviewSnapshot,
  decision: ReviewDecision,
  note: ReviewNote,
): ReviewJudgement {
  const { proposal, assignee } = current
  if (note.requestId === current.decisionRef) return { kind: 'repeat' }
  if (current.state === 'RESOLVED') {
    // The payout's approval closed it and this decision made the approval: what is left is to say so.
    const isByApproval = decision.outcome === 'retry' && current.resolution === null
    return isByApproval ? movePayout(current, 'retry') : closed(current)
  }
  if (decision.outcome === 'confirm' || decision.outcome === 'refuse') {
    return answerProposal(current, decision.outcome, note)
  }
  if (proposal !== null) {
    const message = `${proposal.by} proposed "${proposal.decision.outcome}": confirm or refuse it first`
    return refused('AWAITS_SECOND_PERSON', message)
  }
  if (assignee !== null && !isSamePerson(assignee, note.by)) return claimedByOther(assignee)
  const judged = carryOut(current, decision, note)
  if (judged.kind !== 'change') return judged
  const atStake = stakeOf(current, decision)
  if (!isAboveLimit(current.twoPersonLimit, atStake)) return judged
  const { by, reason, at, requestId } = note
  return change(current, 'propose', {
    state: 'CLAIMED',
    assignee: by,
    waitUntil: null,
    proposal: {
      decision,
      by,
      reason,
      at,
      requestId,
      atStake: atStake.map(({ currency, minor }) => ({ currency, minor: String(minor) })),
    },
  })
}

/** Whether two names are one person's: capitals and blanks around do not tell people apart. */
export function isSamePerson(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase()
}

function answerProposal(
  current: ReviewSnapshot,
  answer: 'confirm' | 'refuse',
  note: ReviewNote,
): ReviewJudgement {
  const { proposal } = current
  if (proposal === null) return refused('NOTHING_PROPOSED', 'nobody proposed a decision')
  if (isSamePerson(proposal.by, note.by)) {
    const message = `${note.by} proposed it; another person must ${answer} it`
    return refused('SECOND_PERSON_NEEDED', message)
  }
  if (answer === 'refuse') {
    // One that was handed up stays with those above.
    const state = current.state === 'ESCALATED' ? 'ESCALATED' : 'OPEN'
    return change(current, 'refuse', { state, assignee: null, proposal: null })
  }
  const grown = stakeOf(current, proposal.decision).find(({ currency, minor }) => {
    const proposed = proposal.atStake.find((sum) => sum.currency === currency)
    return minor > BigInt(proposed?.minor ?? 0)
  })
  if (grown !== undefined) {
    const message = `more ${grown.currency} is at stake than when it was proposed: refuse it, decide anew`
    return refused('CASE_CHANGED', message)
  }
  return carryOut(current, proposal.decision, note)
}

/** What the decision moves: what it pays, or what a denial takes at most. */
export function stakeOf(current: ReviewSnapshot, decision: ReviewDecision): CurrencySum[] {
  const { payout } = current
  const groups = [...current.groups, ...current.differences]
  switch (decision.outcome) {
    case 'pay':
      return sumShares(groups, ({ product }) => bpsOnBasis(product, decision.basis))
    case 'deny':
      return sumShares(groups, ({ product }) => greatestBps(product))
    case 'cancel':
      if (payout === null) return []
      return [{ currency: payout.currency, minor: BigInt(payout.amountMinor) }]
    case 'wait':
    // A second approval of a payout has a limit of its own.
    case 'retry':
    case 'acknowledge':
    case 'confirm':
    case 'refuse':
      return []
  }
}

function carryOut(
  current: ReviewSnapshot,
  decision: ReviewDecision,
  note: ReviewNote,
): ReviewJudgement {
  switch (decision.outcome) {
    case 'pay':
      return pay(current, decision.basis)
    case 'deny':
      return deny(current)
    case 'wait':
      return wait(current, decision.until, note)
    case 'retry':
    case 'cancel':
      return movePayout(current, decision.outcome)
    case 'acknowledge':
      return acknowledge(current)
    case 'confirm':
    case 'refuse':
      return refused('NOTHING_PROPOSED', 'nobody proposed a decision')
  }
}

function pay(current: ReviewSnapshot, basis: PayBasis): ReviewJudgement {
  const { groups, differences } = current
  if (differences.length > 0) return payDifference(current, basis)
  if (groups.length === 0) return noPolicies('pay')
  const shares = groups.map((group) => ({ group, bps: bpsOnBasis(group.product, basis) }))
  if (shares.every(({ bps }) => bps === 0)) {
    return refused('OUTCOME_NOT_POSSIBLE', 'no policy of the case pays for that: deny it instead')
  }
  const isNothing = shares.some(({ group, bps }) =>
    group.sums.some((sum) => bps > 0 && shareOf(minorUnits(sum.sumInsuredMinor), bps) === 0),
  )
  if (isNothing) {
    return refused('OUTCOME_NOT_POSSIBLE', 'a share of some sum insured would be nothing')
  }
  if (shares.some(({ bps }) => bps === 0) && current.isLegWatched) return legWatched()
  const evaluations = shares.map(({ group, bps }) => evaluationOf(group, bps, basis))
  return resolve(current, 'pay', 'PAID', onePerDecision(evaluations))
}

/** Further payouts; groups that got as much already are left as they are. */
function payDifference(current: ReviewSnapshot, basis: PayBasis): ReviewJudgement {
  const judged = raisedBy(current, basis)
  switch (judged.kind) {
    case 'nobody':
      return refused('OUTCOME_NOT_POSSIBLE', 'nobody would get more than was paid: deny it instead')
    case 'unsettled': {
      const message = `payouts of ${judged.policies} policies are under way: decide when they are paid`
      return refused('PAYOUTS_UNSETTLED', message)
    }
    case 'raised': {
      const evaluations = judged.groups.map(({ group, bps }) => evaluationOf(group, bps, basis))
      return resolve(current, 'pay', 'PAID', onePerDecision(evaluations))
    }
  }
}

function evaluationOf(group: ReviewGroup, bps: BasisPoints, basis: PayBasis): ManualEvaluation {
  const { productVersionId, insuredScheduledIn } = group
  const found = 'event' in basis ? [basis.event] : []
  return {
    productVersionId,
    insuredScheduledIn,
    outcome: bps > 0 ? 'PAY' : 'NO_PAY',
    bps,
    delayMin: 'delayMin' in basis ? basis.delayMin : null,
    reasons: ['MANUAL', ...found],
  }
}

function deny(current: ReviewSnapshot): ReviewJudgement {
  // What was paid stays paid, and what was denied stays denied.
  if (current.differences.length > 0 || isAppealCase(current)) {
    return resolve(current, 'deny', 'DENIED')
  }
  if (current.groups.length === 0) return noPolicies('deny')
  if (current.isLegWatched) return legWatched()
  const evaluations = current.groups.map(({ productVersionId, insuredScheduledIn }) => ({
    productVersionId,
    insuredScheduledIn,
    outcome: 'NO_PAY' as const,
    bps: 0,
    delayMin: null,
    reasons: ['MANUAL'],
  }))
  return resolve(current, 'deny', 'DENIED', onePerDecision(evaluations))
}

/** Groups of several currencies share an evaluation. */
function onePerDecision(evaluations: readonly ManualEvaluation[]): ManualEvaluation[] {
  const keyOf = (one: ManualEvaluation) => `${one.productVersionId} ${one.insuredScheduledIn}`
  return [...new Map(evaluations.map((one) => [keyOf(one), one])).values()]
}

function wait(current: ReviewSnapshot, until: Instant, { by, at }: ReviewNote): ReviewJudgement {
  if (until <= at || until > addMs(at, LONGEST_WAIT_MS)) {
    return refused('WAIT_OUT_OF_RANGE', `later than ${at} and within seven days of it`)
  }
  return change(current, 'wait', { state: 'CLAIMED', assignee: by, waitUntil: until })
}

function movePayout(current: ReviewSnapshot, outcome: 'retry' | 'cancel'): ReviewJudgement {
  const { payout } = current
  if (payout === null) {
    return refused('OUTCOME_NOT_POSSIBLE', `${outcome} is for cases of payouts`)
  }
  const isOpenAtRail = payout.state === 'SUBMITTED' && payout.hasOpenAttempt
  const isUnsent = ['CREATED', 'APPROVED', 'FAILED', 'RETURNED'].includes(payout.state)
  if (outcome === 'retry' && (isUnsent || isOpenAtRail)) {
    return resolve(current, 'retry', 'PAYOUT_RETRIED')
  }
  if (outcome === 'cancel' && (isUnsent || payout.state === 'CANCELLED')) {
    return resolve(current, 'cancel', 'PAYOUT_CANCELLED')
  }
  return refused('OUTCOME_NOT_POSSIBLE', `a payout that is ${payout.state} allows no ${outcome}`)
}

function acknowledge(current: ReviewSnapshot): ReviewJudgement {
  const { groups, differences, payout } = current
  if (groups.length + differences.length > 0 || isAppealCase(current)) {
    return refused('OUTCOME_NOT_POSSIBLE', 'policies wait for this case: pay, deny or wait')
  }
  const isOwed =
    payout !== null &&
    (['CREATED', 'APPROVED', 'FAILED', 'RETURNED'].includes(payout.state) ||
      (payout.state === 'SUBMITTED' && !payout.hasOpenAttempt))
  if (isOwed) {
    const message = `the payout is ${payout.state} and owed: retry or cancel it`
    return refused('OUTCOME_NOT_POSSIBLE', message)
  }
  return resolve(current, 'acknowledge', 'ACKNOWLEDGED')
}

function resolve(
  current: ReviewSnapshot,
  action: string,
  resolution: ReviewResolution,
  evaluations: readonly ManualEvaluation[] = [],
): ReviewChange {
  const fields = { state: 'RESOLVED', waitUntil: null, proposal: null, resolution } as const
  return { ...change(current, action, fields), evaluations }
}

function change(
  current: ReviewSnapshot,
  action: string,
  fields: Partial<ReviewFields> & Pick<ReviewFields, 'state'>,
): ReviewChange {
  const { assignee, waitUntil, proposal, state } = current
  if (state !== fields.state && !canMoveReview(state, fields.state)) {
    throw new TypeError(`a case cannot go from ${state} to ${fields.state}`)
  }
  return {
    kind: 'change',
    action: `review.${action}`,
    fields: { assignee, waitUntil, proposal, resolution: null, ...fields },
    evaluations: [],
  }
}

function refused(code: ReviewRefusal, message: string): ReviewJudgement {
  return { kind: 'refused', code, message }
}

function closed({ resolution }: ReviewSnapshot): ReviewJudgement {
  return refused('CASE_CLOSED', `the case is closed already: ${resolution ?? 'RESOLVED'}`)
}

function claimedByOther(assignee: string): ReviewJudgement {
  return refused('CLAIMED_BY_OTHER', `${assignee} has claimed the case`)
}

function noPolicies(outcome: string): ReviewJudgement {
  return refused('OUTCOME_NOT_POSSIBLE', `no policy waits for this case: nothing to ${outcome}`)
}

function legWatched(): ReviewJudgement {
  const message =
    'other policies of the leg are still watched: deny when the leg is settled, or wait'
  return refused('LEG_STILL_WATCHED', message)
}
