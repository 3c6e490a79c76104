/** What the signs of an outside service say about it. Pure: the signs are gathered elsewhere. */

/** `DEGRADED`: it answers, but not all that is wanted of it. */
export type ProviderState = 'UP' | 'DEGRADED' | 'DOWN'

/** Why a provider is in its state: stable codes. */
export type ProviderReason =
  | 'ANSWERS'
  | 'NO_ANSWER'
  | 'KEY_REFUSED'
  | 'PLAN_REFUSED'
  | 'BREAKER_OPEN'
  | 'CALLS_FAIL'
  | 'BUDGET_SPENT'

/** What a provider is judged by. */
export type ProviderSigns = {
  /** What became of asking it now; `recent`: it answered a call of ours just before. */
  readonly contact: 'recent' | 'answered' | 'refused' | 'silent'
  /** The key's plan includes none of what is asked of the provider. */
  readonly isPlanRefused: boolean
  /** Calls of all processes in the last quarter of an hour, and those that failed. */
  readonly calls: number
  readonly failures: number
  /** Processes whose circuit breaker is not closed. */
  readonly openBreakers: number
  /** A budget of calls of the day or the month is used up. */
  readonly isBudgetSpent: boolean
}

/** Fewer calls say nothing about their share of failures. */
const CALLS_AT_LEAST = 20
const FAILURE_SHARE = 0.5

/** The state, and the first reason for it that holds. */
export function judgeProvider(signs: ProviderSigns): {
  readonly state: ProviderState
  readonly reason: ProviderReason
} {
  const { contact, isPlanRefused, calls, failures, openBreakers, isBudgetSpent } = signs
  if (contact === 'silent') return { state: 'DOWN', reason: 'NO_ANSWER' }
  if (contact === 'refused') return { state: 'DOWN', reason: 'KEY_REFUSED' }
  if (isPlanRefused) return { state: 'DOWN', reason: 'PLAN_REFUSED' }
  if (openBreakers > 0) return { state: 'DEGRADED', reason: 'BREAKER_OPEN' }
  if (calls >= CALLS_AT_LEAST && failures >= calls * FAILURE_SHARE) {
    return { state: 'DEGRADED', reason: 'CALLS_FAIL' }
  }
  if (isBudgetSpent) return { state: 'DEGRADED', reason: 'BUDGET_SPENT' }
  return { state: 'UP', reason: 'ANSWERS' }
}
