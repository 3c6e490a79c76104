/** What keys' plans include, shared by all processes. Every time is the database's wall clock. */
import type { ProviderPlan } from '../provider-plan.ts'
import type { Instant } from '../time.ts'
import type { AllowanceKey } from './call-allowance.ts'

/** A plan as stored. */
export type StoredPlan = AllowanceKey & {
  readonly plan: ProviderPlan
  /** Null until the first probe has ended. */
  readonly probedAt: Instant | null
  readonly dueAt: Instant
}

/** Where plans are kept, and who finds them out is settled. */
export interface PlanStore {
  /** Null for a key that nobody has asked about. */
  find(key: AllowanceKey): Promise<StoredPlan | null>
  /**
   * True for one caller when a probe is due: others get false until it is saved, or `leaseMs` have
   * passed without that.
   */
  claim(key: AllowanceKey, leaseMs: number): Promise<boolean>
  /** Stores what a probe found; the next one is due in `againMs`. */
  save(key: AllowanceKey, plan: ProviderPlan, againMs: number): Promise<void>
  /** Makes probes of all keys due now, or of one provider's; returns the providers, each once. */
  makeDue(provider?: string): Promise<string[]>
}

/** Finds out what a key's plan includes. */
export interface PlanProber {
  /** One request a product. Never throws for what the service does, only with the signal's reason. */
  probePlan(signal?: AbortSignal): Promise<ProviderPlan>
}

/** A key's plan as a process knows it, for adapters that ask accordingly. */
export interface HeldPlan {
  /** Never rejects: without a database the last one known, or an unknown one. */
  read(): Promise<ProviderPlan>
}
