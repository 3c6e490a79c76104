/** The life of a policy: its states, the legal moves between them and the length of its cover. */
import type { Decision } from './decision.ts'
import { addMs, DAY_MS, HOUR_MS, type Instant } from './time.ts'

/** The states of a policy; POLICY_TRANSITIONS says which follow which. */
export type PolicyState =
  | 'BOUND'
  | 'MONITORING'
  | 'TRIGGERED'
  | 'IN_REVIEW'
  | 'PAID'
  | 'EXPIRED'
  | 'CLOSED'
  | 'CANCELLED_BY_HOLDER'
  | 'DECLINED'

/** How long after the insured arrival a leg may still bring facts. Milliseconds. */
export const COVER_AFTER_ARRIVAL_MS = DAY_MS

/**
 * The watch begins with the first answer from this long before the insured departure on, or with the
 * first that reports a cancellation. Until then the holder may have the policy cancelled.
 */
export const MONITORING_BEFORE_OUT_MS = 2 * HOUR_MS

/**
 * The only legal moves. EXPIRED is reached from a settled no-pay, never by the clock alone; a paid or
 * expired policy comes back only into review. From there PAID and CLOSED are given back by an appeal that
 * changed nothing, and by nothing else.
 */
export const POLICY_TRANSITIONS: Readonly<Record<PolicyState, readonly PolicyState[]>> = {
  BOUND: ['MONITORING', 'TRIGGERED', 'IN_REVIEW', 'CANCELLED_BY_HOLDER', 'DECLINED'],
  MONITORING: ['TRIGGERED', 'IN_REVIEW', 'EXPIRED'],
  TRIGGERED: ['PAID', 'IN_REVIEW'],
  IN_REVIEW: ['TRIGGERED', 'EXPIRED', 'PAID', 'CLOSED'],
  PAID: ['CLOSED', 'IN_REVIEW'],
  EXPIRED: ['CLOSED', 'IN_REVIEW'],
  CLOSED: ['IN_REVIEW'],
  CANCELLED_BY_HOLDER: [],
  DECLINED: [],
}

/** Whether a policy may go from one state to the other in one step. */
export function canMovePolicy(from: PolicyState, to: PolicyState): boolean {
  return POLICY_TRANSITIONS[from].includes(to)
}

/** When cover ends: the insured arrival plus 24 hours. */
export function coverEnd(insuredScheduledIn: Instant): Instant {
  return addMs(insuredScheduledIn, COVER_AFTER_ARRIVAL_MS)
}

/** The state that a decision moves an undecided policy to; null when it stays where it is. */
export function stateAfter(decision: Decision): PolicyState | null {
  switch (decision.outcome) {
    case 'PAY':
      return 'TRIGGERED'
    case 'REVIEW':
      return 'IN_REVIEW'
    case 'NO_PAY':
    case 'NOT_YET':
      return null
  }
}
