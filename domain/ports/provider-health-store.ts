/** What is known of outside services: reports of processes, and the state that was last judged. */
import type { ProviderReason, ProviderState } from '../provider-health.ts'
import type { ProviderPlan } from '../provider-plan.ts'
import type { Instant } from '../time.ts'

/** A circuit breaker as seen from outside. */
export type ReportedBreaker = 'closed' | 'open' | 'half-open'

/** What one process saw of a provider since its last report. */
export type CallReport = {
  readonly provider: string
  readonly breaker: ReportedBreaker
  /** Connections that are open now, idle ones included. */
  readonly openConnections: number
  readonly calls: number
  /** Calls that say something against the provider; refusals of single requests do not. */
  readonly failures: number
  /** Whether an answer was among them. */
  readonly hasAnswer: boolean
}

/** What all processes saw of a provider. */
export type CallSigns = {
  readonly provider: string
  /** In the last quarter of an hour. */
  readonly calls: number
  readonly failures: number
  /** Of processes that reported in the last two minutes. */
  readonly processes: number
  readonly openBreakers: number
  /** Wall time; null when none is known. */
  readonly lastAnswerAt: Instant | null
  readonly sinceAnswerMs: number | null
}

/** A provider as judged. Units and budgets are of its key; a budget is null without a limit. */
export type JudgedProvider = {
  readonly provider: string
  /** A fingerprint of the key; null when its calls are not counted by key. */
  readonly keyId: string | null
  readonly state: ProviderState
  readonly reason: ProviderReason
  /** How long its answer took; null when it was not asked or did not answer. */
  readonly answeredInMs: number | null
  readonly calls: number
  readonly failures: number
  readonly processes: number
  readonly openBreakers: number
  readonly dayUnits: number
  readonly dayBudget: number | null
  readonly monthUnits: number
  readonly monthBudget: number | null
}

/** A judged provider as stored; times are wall time. */
export type ProviderHealth = JudgedProvider & {
  /** When it came into its state. */
  readonly since: Instant
  readonly checkedAt: Instant
  readonly lastAnswerAt: Instant | null
  /** What its key's plan includes, and when that was found out; null where nobody asks for it. */
  readonly plan: (ProviderPlan & { readonly probedAt: Instant | null }) | null
}

/** A provider that came into another state; `from` is null at its first check. */
export type ProviderStateChange = {
  readonly provider: string
  readonly from: ProviderState | null
  readonly to: ProviderState
  readonly reason: ProviderReason
}

/** Providers' health, on the database's wall clock. */
export interface ProviderHealthStore {
  /** Adds what a process saw. `reporter` names the process. */
  report(reporter: string, reports: readonly CallReport[]): Promise<void>
  signs(): Promise<CallSigns[]>
  /**
   * Stores the judgement and returns the changes of state that it brought; judging the same again
   * brings none. Removes reports that no judgement looks at any more.
   */
  save(providers: readonly JudgedProvider[]): Promise<ProviderStateChange[]>
  /** By name, at most 100. */
  list(): Promise<ProviderHealth[]>
}
