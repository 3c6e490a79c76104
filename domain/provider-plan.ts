/** What the plan of a provider's key includes: what the answers to a probe say of it. Pure. */
import type { ProviderResult } from './ports/flight-data-provider.ts'
import { DAY_MS, HOUR_MS } from './time.ts'

/** Flights of today, past flights by date, the timetable of coming days. */
export const PLAN_PRODUCTS = ['present', 'past', 'future'] as const
export type PlanProduct = (typeof PLAN_PRODUCTS)[number]

/** `unknown`: nothing was answered that speaks of the plan; it is used as if it were allowed. */
export type PlanVerdict = 'allowed' | 'refused' | 'unknown'

/** What was found out about one product. */
export type PlanFinding = {
  readonly verdict: PlanVerdict
  /** Why it is not allowed, in the service's words; null when it is. */
  readonly reason: string | null
}

/** What was found out about all of them. */
export type ProviderPlan = Readonly<Record<PlanProduct, PlanFinding>>

/** A plan is changed by people, a few times a year. */
const AGAIN_MS = 7 * DAY_MS
/** A key that may ask nothing is soon given a better plan, or taken out. */
const NOTHING_ALLOWED_AGAIN_MS = DAY_MS
/** An outage passes. */
const UNKNOWN_AGAIN_MS = HOUR_MS

/** The plan of a key that was never asked about. */
export const UNKNOWN_PLAN: ProviderPlan = unknownPlan('not asked yet')

/** What a probe that got no answer in time found. */
export const PLAN_NOT_ANSWERED: ProviderPlan = unknownPlan('no answer in time')

function unknownPlan(reason: string): ProviderPlan {
  const finding: PlanFinding = { verdict: 'unknown', reason }
  return { present: finding, past: finding, future: finding }
}

/** What the answer to one question says. Only a refusal by the plan is one: an outage says nothing. */
export function findingOf(result: ProviderResult<unknown>): PlanFinding {
  if (result.ok) return { verdict: 'allowed', reason: null }
  const reason = result.message
  return { verdict: result.isPlanRefusal === true ? 'refused' : 'unknown', reason }
}

/** What is known after a probe: what it could not find out stays as it was known before. */
export function planAfter(before: ProviderPlan | null, found: ProviderPlan): ProviderPlan {
  const known = (product: PlanProduct): PlanFinding =>
    found[product].verdict === 'unknown' && before !== null && before[product].verdict !== 'unknown'
      ? before[product]
      : found[product]
  return { present: known('present'), past: known('past'), future: known('future') }
}

/** How long after a probe that found this the next one is due. Milliseconds. */
export function probeAgainMs(found: ProviderPlan): number {
  if (PLAN_PRODUCTS.some((product) => found[product].verdict === 'unknown')) return UNKNOWN_AGAIN_MS
  return found.present.verdict === 'refused' ? NOTHING_ALLOWED_AGAIN_MS : AGAIN_MS
}
