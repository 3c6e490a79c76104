/** What a person may decide about a review case, read from the plain fields that every door has. */
import { BPS_WHOLE, type BasisPoints } from './money.ts'
import { DAY_MS, MINUTE_MS, parseInstant, type Instant } from './time.ts'

/** What a payment by a person rests on: a share, a delay that is looked up in the tiers, or an event. */
export type PayBasis =
  | { readonly bps: BasisPoints }
  | { readonly delayMin: number }
  | { readonly event: 'CANCELLED' | 'NOT_REACHED' }

/** Confirm and refuse are the second person's answers to the first one's decision. */
export type ReviewDecision =
  | { readonly outcome: 'pay'; readonly basis: PayBasis }
  | { readonly outcome: 'wait'; readonly until: Instant }
  | { readonly outcome: PlainOutcome }

type PlainOutcome = 'deny' | 'retry' | 'cancel' | 'acknowledge' | 'confirm' | 'refuse'

/** All outcomes, in the order in which they are told. */
export const REVIEW_OUTCOMES = [
  'pay',
  'deny',
  'wait',
  'retry',
  'cancel',
  'acknowledge',
  'confirm',
  'refuse',
] as const

/** The fields of a decision as they come in. */
export type DecisionFields = {
  readonly outcome: string
  readonly bps?: number | undefined
  readonly delayMin?: number | undefined
  readonly event?: string | undefined
  readonly until?: string | undefined
}

/** A decision that cannot be read; `field` is the one to mend. Never retried. */
export class ReviewDecisionError extends Error {
  override readonly name = 'ReviewDecisionError'
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** A person may put a case off for this long at a time. Milliseconds. */
export const LONGEST_WAIT_MS = 7 * DAY_MS

/** A tier cannot lie later: longer delays are a mismatch. */
const GREATEST_DELAY_MIN = DAY_MS / MINUTE_MS

/** Reads a decision. Throws ReviewDecisionError naming the field. */
export function parseReviewDecision(fields: DecisionFields): ReviewDecision {
  const outcome = REVIEW_OUTCOMES.find((one) => one === fields.outcome)
  if (outcome === undefined) {
    throw new ReviewDecisionError('outcome', `one of ${REVIEW_OUTCOMES.join(', ')}`)
  }
  const allowed: readonly string[] =
    outcome === 'pay' ? ['bps', 'delayMin', 'event'] : outcome === 'wait' ? ['until'] : []
  for (const name of ['bps', 'delayMin', 'event', 'until'] as const) {
    if (fields[name] === undefined || allowed.includes(name)) continue
    throw new ReviewDecisionError(name, `does not go with outcome ${outcome}`)
  }
  if (outcome === 'pay') return { outcome, basis: payBasis(fields) }
  if (outcome === 'wait') return { outcome, until: waitEnd(fields.until) }
  return { outcome }
}

function payBasis({ bps, delayMin, event }: DecisionFields): PayBasis {
  const given = [bps, delayMin, event].filter((value) => value !== undefined)
  if (given.length !== 1) {
    throw new ReviewDecisionError('bps', 'exactly one of bps, delayMin and event is needed')
  }
  if (bps !== undefined) {
    if (Number.isInteger(bps) && bps >= 1 && bps <= BPS_WHOLE) return { bps }
    throw new ReviewDecisionError('bps', `a whole number from 1 to ${BPS_WHOLE}`)
  }
  if (delayMin !== undefined) {
    if (Number.isInteger(delayMin) && delayMin >= 1 && delayMin <= GREATEST_DELAY_MIN) {
      return { delayMin }
    }
    throw new ReviewDecisionError('delayMin', `a whole number from 1 to ${GREATEST_DELAY_MIN}`)
  }
  if (event === 'CANCELLED' || event === 'NOT_REACHED') return { event }
  throw new ReviewDecisionError('event', 'CANCELLED or NOT_REACHED')
}

function waitEnd(text: string | undefined): Instant {
  try {
    return parseInstant(text ?? '')
  } catch (cause) {
    const error = new ReviewDecisionError('until', 'a moment in UTC, as 2013-03-10T12:00:00Z')
    throw Object.assign(error, { cause })
  }
}
