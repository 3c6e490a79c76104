/** What is due for a case that nobody decides: release of an idle claim, a hand-up, a reminder, a look. */
import { dueAt, slaMs } from './review-sla.ts'
import type { ReviewState } from './review-state.ts'
import { addMs, HOUR_MS, later, MINUTE_MS, msBetween, toMs, type Instant } from './time.ts'

/** A case as it is looked after. */
export type TendedReview = {
  readonly caseId: string
  readonly state: ReviewState
  readonly resolution: string | null
  readonly reasonCode: string
  readonly openedAt: Instant
  readonly assignee: string | null
  readonly claimedAt: Instant | null
  readonly waitUntil: Instant | null
  readonly escalatedAt: Instant | null
  readonly remindedAt: Instant | null
  readonly proposedAt: Instant | null
  /** The leg whose data may decide policies that wait for the case; null when none wait. */
  readonly legId: string | null
  /** When the leg was asked about last. */
  readonly lastPolledAt: Instant | null
}

/** What is to be done now, and when to look again. */
export type TendingPlan = {
  readonly isReleased: boolean
  readonly isEscalated: boolean
  readonly isReminded: boolean
  /** The provider is to be asked about the leg. */
  readonly isLookDue: boolean
  readonly nextAt: Instant
}

/** A claim whose holder does nothing for so long is released. Milliseconds. */
export const CLAIM_IDLE_MS = 4 * HOUR_MS

/** Late data comes soon or hardly ever: looks are half as far apart as the case is old, within these. */
const LEAST_LOOK_MS = 30 * MINUTE_MS
const GREATEST_LOOK_MS = 6 * HOUR_MS

/** Nothing about a case changes within less. */
const LEAST_WAIT_MS = MINUTE_MS

/** Plans. Pure: the same case at the same moment has the same plan. */
export function planTending(review: TendedReview, now: Instant): TendingPlan {
  const { state, waitUntil, assignee, reasonCode, openedAt } = review
  const isWaiting = waitUntil !== null && now < waitUntil
  const due = dueAt(reasonCode, openedAt, waitUntil)
  const idleAt = assignee === null ? null : claimIdleAt(review)
  const isIdle = idleAt !== null && now >= idleAt
  const isFree = assignee === null || isIdle
  const isEscalated = !isWaiting && isFree && state !== 'ESCALATED' && now >= due
  const remindAt = addMs(lastMoved(review), slaMs(reasonCode) / 2)
  const lookMs = lookIntervalMs(openedAt, now)
  const lookAt = addMs(review.lastPolledAt ?? openedAt, lookMs)
  const isLookDue = review.legId !== null && now >= lookAt
  const moments = [
    isWaiting ? waitUntil : null,
    isEscalated ? null : due,
    isWaiting || isIdle ? null : idleAt,
    isWaiting ? null : remindAt,
    review.legId === null ? null : isLookDue ? addMs(now, lookMs) : lookAt,
  ].filter((moment) => moment !== null && moment > now)
  const nextMs = Math.min(...moments.map(toMsOf), toMs(now) + GREATEST_LOOK_MS)
  return {
    isReleased: !isWaiting && isIdle && !isEscalated,
    isEscalated,
    isReminded: !isWaiting && now >= remindAt,
    isLookDue,
    nextAt: addMs(now, Math.max(nextMs - toMs(now), LEAST_WAIT_MS)),
  }
}

function toMsOf(moment: Instant | null): number {
  return moment === null ? Number.POSITIVE_INFINITY : toMs(moment)
}

/** A proposal waits for somebody else: its claim does not fall idle. */
function claimIdleAt({ claimedAt, waitUntil, proposedAt }: TendedReview): Instant | null {
  if (claimedAt === null || proposedAt !== null) return null
  const since = waitUntil === null ? claimedAt : later(claimedAt, waitUntil)
  return addMs(since, CLAIM_IDLE_MS)
}

function lastMoved(review: TendedReview): Instant {
  const { openedAt, claimedAt, waitUntil, escalatedAt, remindedAt, proposedAt } = review
  return [claimedAt, waitUntil, escalatedAt, remindedAt, proposedAt]
    .filter((moment) => moment !== null)
    .reduce((latest, moment) => later(latest, moment), openedAt)
}

function lookIntervalMs(openedAt: Instant, now: Instant): number {
  const halfAgeMs = Math.ceil(msBetween(openedAt, now) / 2)
  return Math.min(Math.max(halfAgeMs, LEAST_LOOK_MS), GREATEST_LOOK_MS)
}
