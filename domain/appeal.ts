/** Appeals against decisions: of which policies, until when, and why one is not taken. Pure. */
import type { PolicyState } from './policy.ts'
import { reopenDaysOf, type Product } from './product.ts'
import { addMs, DAY_MS, parseInstant, type Instant } from './time.ts'

/** Reason of the review case that looks at a decision again. */
export const APPEAL = 'APPEAL'

/** How an appeal ended: nothing more, or a further payout. What was paid is never taken back. */
export type AppealResult = 'STANDS' | 'UPHELD'

/** What an appeal depends on. */
export type AppealablePolicy = {
  readonly state: PolicyState
  readonly outcome: 'PAY' | 'NO_PAY' | null
  readonly decidedAt: Instant | null
  readonly product: Product
  /** A payout is neither paid nor cancelled. */
  readonly hasOpenPayout: boolean
  /** The review case of an appeal that is not decided yet. */
  readonly openCaseId: string | null
}

/** Why an appeal is not taken. */
export type AppealRefusal = {
  readonly code:
    | 'NO_COVER'
    | 'UNDECIDED'
    | 'APPEAL_OPEN'
    | 'PAYOUT_OPEN'
    // A person looks at its payment, which was cancelled.
    | 'IN_REVIEW'
    | 'TOO_LATE'
  readonly reason: string
}

/** States that an appeal is made in, and that one without success gives back. */
export const APPEALABLE_STATES = ['MONITORING', 'EXPIRED', 'PAID', 'CLOSED'] as const

/** A state that an appeal is made in. A policy that is denied and not expired stays MONITORING. */
export type AppealableState = (typeof APPEALABLE_STATES)[number]

/**
 * The first moment at which it is too late: the end of the last day, in UTC, so that a letter that names
 * the day is right to the minute.
 */
export function appealableUntil(decidedAt: Instant, product: Product): Instant {
  const lastDay = addMs(decidedAt, reopenDaysOf(product) * DAY_MS).slice(0, 10)
  return addMs(parseInstant(`${lastDay}T00:00:00Z`), DAY_MS)
}

/** Why the holder may not appeal at `now`; null when it is allowed. */
export function appealRefusal(policy: AppealablePolicy, now: Instant): AppealRefusal | null {
  const { state, outcome, decidedAt, product, openCaseId } = policy
  if (openCaseId !== null) {
    return { code: 'APPEAL_OPEN', reason: `an appeal is open: review case ${openCaseId}` }
  }
  if (state === 'CANCELLED_BY_HOLDER' || state === 'DECLINED') {
    return {
      code: 'NO_COVER',
      reason: `the policy is ${state}: nothing was decided about its flight`,
    }
  }
  if (outcome === null || decidedAt === null) {
    return { code: 'UNDECIDED', reason: 'the policy is not decided yet: appeal when it is' }
  }
  if (policy.hasOpenPayout) {
    return { code: 'PAYOUT_OPEN', reason: 'a payout is under way: appeal when it is paid' }
  }
  if (!isAppealable(state)) {
    const reason = `the policy is ${state} and a person looks at its payment: appeal after that`
    return { code: 'IN_REVIEW', reason }
  }
  const until = appealableUntil(decidedAt, product)
  if (now < until) return null
  const days = reopenDaysOf(product)
  const reason = `decided at ${decidedAt}; ${product.code} takes appeals for ${days} days, before ${until}; now is ${now}`
  return { code: 'TOO_LATE', reason }
}

/** Whether an appeal may be made in this state. */
export function isAppealable(state: PolicyState): state is AppealableState {
  return APPEALABLE_STATES.some((one) => one === state)
}
