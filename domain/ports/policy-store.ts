/** Where policies are bound, looked up and listed for export. */
import type { LegKey } from '../leg.ts'
import type { Currency, MinorUnits } from '../money.ts'
import type { PollPhase } from '../poll-plan.ts'
import type { Instant, LocalDate } from '../time.ts'
import type { TenantHolders } from './tenant-holders.ts'

/** What a policy was bound with, for telling a repeated row from a conflicting one. */
export type BoundPolicy = {
  readonly policyNumber: string
  readonly productCode: string
  readonly legKey: LegKey
  readonly originLocalDate: LocalDate
  /** As sold, when that was a code share: `QF3101`. */
  readonly marketingIdent: string | null
  readonly sumInsuredMinor: MinorUnits
  readonly currency: Currency
  readonly payeeRef: string
  readonly premiumMinor: MinorUnits | null
  readonly boundAt: Instant
  readonly tenant: string
}

/** A leg to be watched from now on. */
export type NewLeg = {
  readonly legKey: LegKey
  readonly carrier: string
  readonly flightNumber: string
  readonly origin: string
  readonly destination: string
  readonly originLocalDate: LocalDate
  readonly originZone: string
  readonly destinationZone: string
  readonly providerIdent: string
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
  /** When to ask the provider first. A leg already stored keeps the earlier of its own and this. */
  readonly firstPollAt: Instant
  /** Why then; for a leg not stored yet. */
  readonly pollPhase: PollPhase
  readonly pollReason: string
  /** When the timetable is looked at first; null: not before the polls begin. For a leg not stored yet. */
  readonly firstTimetableAt: Instant | null
}

/** A policy to be bound. */
export type NewPolicy = {
  readonly policyNumber: string
  readonly productVersionId: string
  readonly legKey: LegKey
  readonly marketingIdent: string | null
  readonly insuredScheduledOut: Instant
  readonly insuredScheduledIn: Instant
  readonly sumInsuredMinor: MinorUnits
  readonly currency: Currency
  readonly payeeRef: string
  readonly premiumMinor: MinorUnits | null
  readonly boundAt: Instant
  readonly coverEnd: Instant
  readonly tenant: string
}

/** Policies bound in one transaction, with their legs. */
export type BindPage = {
  readonly legs: readonly NewLeg[]
  /** Every policy's leg is in `legs`; numbers are distinct. At most MAX_BIND_PAGE. */
  readonly policies: readonly NewPolicy[]
  readonly now: Instant
  /** Founding capital of a currency that is used for the first time, minor units. */
  readonly capacityMinor: number
  /** Who binds, for the audit trail; every door says so, and without it nothing is noted there. */
  readonly boundBy?: string
}

/** What became of each policy of a page, by number. */
export type BindResult = {
  readonly bound: readonly string[]
  /** Numbers that somebody bound in the meantime; compare with what is stored. */
  readonly alreadyBound: readonly string[]
  /** Numbers for which the pool has not enough money left. */
  readonly poolShort: readonly string[]
}

/** Policies that one transaction binds: a second of work, so locks are short. */
export const MAX_BIND_PAGE = 5_000

/** A decided policy as exported. */
export type DecidedPolicy = {
  readonly policyNumber: string
  readonly legKey: LegKey
  readonly outcome: 'PAY' | 'NO_PAY'
  /** In all: of the newest payout that was not cancelled. */
  readonly bps: number
  /** In all: first and further payouts together. */
  readonly amountMinor: MinorUnits
  /** The first and every further payout that was not cancelled, in order; none when nothing is paid. */
  readonly payouts: readonly { readonly payoutId: string; readonly transferId: string | null }[]
}

/** Binds policies and lists decided ones. */
export interface PolicyStore extends TenantHolders {
  /** Those of the numbers that are bound. At most MAX_BIND_PAGE numbers. */
  findBound(policyNumbers: readonly string[]): Promise<ReadonlyMap<string, BoundPolicy>>
  /**
   * Binds a page in one transaction: legs, policies, escrow out of the pool with its `bind:` ledger
   * transactions, and the legs' counts of undecided policies. Idempotent by policy number. Policies
   * take from the pool in the order given.
   */
  bind(page: BindPage): Promise<BindResult>
  /** Decided policies after a number, in byte order of their numbers. */
  listDecided(after: string | null, limit: number): Promise<DecidedPolicy[]>
}
