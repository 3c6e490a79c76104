/**
 * Permission to call an outside service: its rate and its budget, shared by all processes of a key.
 * Periods are days and months of wall time in UTC, as services bill.
 */

/** `DECISION`: a policy cannot be decided without the answer. `ROUTINE`: everything else. */
export type CallPurpose = 'ROUTINE' | 'DECISION'

/** Whether a call may be made. Without it the budget is spent, for this purpose and period. */
export type CallPermit =
  | { readonly isGranted: true }
  | { readonly isGranted: false; readonly message: string }

/** Where adapters ask before each request; a request costs one unit, as each page does. */
export interface CallAllowance {
  /**
   * Resolves when a call may be made now, or at once when it may not be made at all. Rejects with the
   * signal's reason, and when the allowance itself cannot be read.
   */
  take(purpose: CallPurpose, signal?: AbortSignal): Promise<CallPermit>
}

/** How hard and how much a key may be used. */
export type AllowanceTerms = {
  /** Calls a second on average, above 0; a second's worth at once. */
  readonly ratePerS: number
  /** Units of a day, at least 1; null: without limit. */
  readonly dayBudget: number | null
  /** Units of a month, at least 1; null: without limit. */
  readonly monthBudget: number | null
  /** Beyond a spent budget, for decisions alone: per cent of it, 0 to 100. */
  readonly reservePercent: number
}

/** Whose allowance. */
export type AllowanceKey = {
  readonly provider: string
  /** A fingerprint of the key, 16 hex digits; never the key. */
  readonly keyId: string
}

/** What a process asks for at once. */
export type LeaseRequest = AllowanceKey & {
  readonly purpose: CallPurpose
  /** Calls wanted, 0 to 100,000; 0 only gives back. */
  readonly calls: number
  /** Calls of earlier leases that were not made: their units are not spent. */
  readonly givenBack: number
  readonly terms: AllowanceTerms
}

/** A budget's period. */
export type BudgetPeriod = 'day' | 'month'

/** A budget that a lease brought to a mark for the first time in its period. */
export type BudgetNotice = {
  readonly period: BudgetPeriod
  /** Per cent of the budget: 80 or 100. */
  readonly percent: number
  readonly units: number
  readonly budget: number
}

/** Calls that a process may make, one after the other. */
export type CallLease = {
  /** At most as many as were asked for; 0 when the budget is spent. */
  readonly calls: number
  /**
   * From the lease to its first call, the others follow at the rate's interval. Milliseconds; negative
   * when calls were saved up: those whose time is past may be made at once.
   */
  readonly firstInMs: number
  /** The period whose budget leaves nothing more; null when none does. */
  readonly spent: BudgetPeriod | null
  readonly notices: readonly BudgetNotice[]
}

/** What was used of a key's budgets so far. */
export type AllowanceUse = AllowanceKey & {
  readonly dayUnits: number
  readonly monthUnits: number
}

/** The shared account of calls. */
export interface AllowanceStore {
  /** Counts the calls as made and says when they may be. One statement. */
  lease(request: LeaseRequest): Promise<CallLease>
  /** Of every key that was ever used, today and this month. At most 100. */
  list(): Promise<AllowanceUse[]>
}
