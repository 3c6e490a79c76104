/** Where watched legs are claimed, loaded and written after a poll, and their coverage is accounted. */
import type { LegFacts, WatchedLeg } from '../leg-facts.ts'
import type { LegPhase } from '../leg-phase.ts'
import type { PollPhase } from '../poll-plan.ts'
import type { Product } from '../product.ts'
import type { Schedule } from '../retime.ts'
import type { SecondFacts } from '../second-source.ts'
import type { Instant } from '../time.ts'

/** Undecided policies of one leg that share a decision. */
export type InsuredGroup = {
  readonly productVersionId: string
  readonly product: Product
  readonly insuredScheduledIn: Instant
}

/** A leg as a poll needs it. */
export type LegToPoll = {
  readonly legId: string
  readonly leg: WatchedLeg
  readonly providerIdent: string
  /** Empty facts for a leg never polled. */
  readonly facts: LegFacts
  /** Of the second source; null when it was not asked about the leg. */
  readonly second: SecondFacts | null
  readonly phase: LegPhase
  /** What this poll was planned to wait for; null when none was planned yet. */
  readonly pollPhase: PollPhase | null
  readonly consecutiveFailures: number
  /** What the stored facts were folded up to; a poll is written only if it is still this. */
  readonly pollVersion: number
  /** SHA-256 of the newest observation's `norm`, by provider. */
  readonly lastNormSha256: Readonly<Record<string, string>>
  /** Empty when every policy is decided. */
  readonly groups: readonly InsuredGroup[]
  /** Some policy is BOUND and goes to MONITORING once its watch begins. */
  readonly hasBound: boolean
}

/** What a provider said, as stored. */
export type NewObservation = {
  readonly provider: string
  readonly httpStatus: number
  readonly payloadSha256: string
  readonly normSha256: string
  /** Canonical JSON of the records that matter for the leg. */
  readonly norm: string
  readonly flags: readonly string[]
}

/** A poll's effect on its leg. */
export type PolledLeg = {
  readonly legId: string
  /** As loaded. */
  readonly pollVersion: number
  readonly hasBound: boolean
  readonly polledAt: Instant
  /** Null when the provider gave no answer: facts, phase and last_ok_at stay as they are. */
  readonly answer: {
    readonly observation: NewObservation
    readonly facts: LegFacts
    readonly phase: LegPhase
    /** A timetable announced in time: the leg's and its policies' from now on. */
    readonly retimed: Schedule | null
  } | null
  /** The second source was asked too; absent: it was not. `observation` is null when it was silent. */
  readonly second?: {
    readonly askedAt: Instant
    readonly observation: NewObservation | null
    readonly facts: SecondFacts
  }
  readonly consecutiveFailures: number
  readonly nextPollAt: Instant
  readonly pollPhase: PollPhase
  readonly pollReason: string
}

/** Who claims how many due legs, and for how long. */
export type ClaimRequest = {
  /** Who claims; the same name gets its own legs again. At most 255 characters. */
  readonly claimedBy: string
  readonly now: Instant
  readonly limit: number
  /** Wall time after which others may take the legs. Milliseconds. */
  readonly leaseMs: number
}

/** The longest gap per phase, in seconds. */
export type GapLimit = { readonly phase: PollPhase; readonly maxGapS: number }

/** What counts as watched in time. */
export type CoverageRequest = {
  readonly now: Instant
  /** How long before the scheduled departure the window begins. Seconds. */
  readonly windowBeforeOutS: number
  readonly limits: readonly GapLimit[]
}

/** What was found, and the incidents that it opened and closed. */
export type CoverageAccount = {
  /** Legs with undecided policies whose window has begun. */
  readonly legsInWindow: number
  /** Those of them that went without an answer for longer than their phase allows. */
  readonly overdue: number
  readonly incidentsOpened: number
  readonly incidentsClosed: number
  readonly incidentsOpen: number
}

/** Legs that one statement handles: its arrays and row locks stay small. */
export const MAX_LEG_PAGE = 500

/** Watched legs: claiming, polling, coverage. */
export interface LegStore {
  /**
   * Claims due legs, the longest due first. `due` counts all due legs, also those that others hold.
   */
  claimDue(request: ClaimRequest): Promise<{ due: number; legIds: string[] }>
  /**
   * Claims one leg, due or not, so that no tick asks about it meanwhile. False when another claim holds
   * it: then of the two polls one is written.
   */
  claimLeg(claim: {
    readonly legId: string
    readonly claimedBy: string
    readonly leaseMs: number
  }): Promise<boolean>
  /** At most MAX_LEG_PAGE legs; ids that do not exist are left out. */
  loadForPolling(legIds: readonly string[]): Promise<LegToPoll[]>
  /**
   * Writes polls in one transaction: observations (appended, or counted when the newest says the
   * same), facts, plan, claim released; policies whose watch begins go from BOUND to MONITORING, those
   * of a retimed leg are endorsed, each by its own insured departure.
   * A leg that was polled by somebody else since it was loaded is passed over. Returns the ids
   * written. At most MAX_LEG_PAGE.
   */
  savePolls(polls: readonly PolledLeg[]): Promise<string[]>
  /** Opens and closes coverage incidents and counts them. Repeating changes nothing. */
  accountForCoverage(request: CoverageRequest): Promise<CoverageAccount>
}
