/** Legs for people who look at them: lists, and one leg with all that is known of it. */
import type { LegFacts } from '../leg-facts.ts'
import type { Instant, LocalDate } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** Which legs; what is left out does not matter. */
export type LegFilter = {
  readonly phase?: string | undefined
  readonly carrier?: string | undefined
  readonly origin?: string | undefined
  readonly destination?: string | undefined
  readonly departureDate?: LocalDate | undefined
  /** True: only legs with undecided policies. */
  readonly isWatched?: boolean | undefined
}

/** One leg of a list. */
export type ListedLeg = {
  readonly legKey: string
  /** Tells legs of the same key apart, from 1. */
  readonly seq: number
  readonly departureDate: LocalDate
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
  readonly phase: string
  readonly undecidedPolicies: number
  readonly nextPollAt: Instant | null
  readonly pollReason: string | null
}

/** When a leg is asked about, and why then. */
export type LegPolls = {
  /** Null when nothing more is expected, or nobody is waiting. */
  readonly nextPollAt: Instant | null
  readonly phase: string | null
  readonly reason: string | null
  /** How long the leg may go without an answer in this phase; null without such a limit. Seconds. */
  readonly greatestGapS: number | null
  readonly lastPolledAt: Instant | null
  readonly lastAnsweredAt: Instant | null
  readonly consecutiveFailures: number
}

/** What a provider said, once per change. */
export type ShownObservation = {
  readonly observationId: number
  readonly provider: string
  readonly httpStatus: number
  readonly flags: readonly string[]
  readonly firstSeenAt: Instant
  readonly lastSeenAt: Instant
  readonly seenCount: number
  /** The provider's records in our form. */
  readonly records: unknown
}

/** What the timetable said of a leg that leaves weeks ahead, once per change. */
export type ShownLook = {
  readonly provider: string
  /** `LISTED`, `MISSING` or `AMBIGUOUS`. */
  readonly finding: string
  readonly scheduledOut: Instant | null
  readonly scheduledIn: Instant | null
  readonly firstSeenAt: Instant
  readonly lastSeenAt: Instant
  readonly seenCount: number
}

/** A decision about the leg under one product version and one insured arrival. */
export type ShownEvaluation = {
  readonly evaluationId: string
  readonly product: { readonly code: string; readonly version: number }
  readonly insuredScheduledIn: Instant
  readonly outcome: string
  readonly bps: number
  readonly delayMin: number | null
  readonly reasons: readonly string[]
  readonly observationIds: readonly number[]
  readonly evaluatedAt: Instant
}

/** A time that the leg was not polled in time. */
export type ShownIncident = {
  readonly phase: string
  readonly gapS: number
  readonly greatestGapS: number
  readonly openedAt: Instant
  readonly closedAt: Instant | null
}

/** One leg with all that is known of it; lists are the newest first and cut at SHOWN_LIMIT. */
export type LegDetails = {
  readonly legId: string
  readonly legKey: string
  readonly seq: number
  readonly carrier: string
  readonly flightNumber: string
  readonly origin: string
  readonly destination: string
  readonly departureDate: LocalDate
  readonly originZone: string
  readonly destinationZone: string
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
  readonly phase: string
  readonly settledAt: Instant | null
  /** Null until the first answer. */
  readonly facts: LegFacts | null
  readonly polls: LegPolls
  /** Looks before the polls begin; `nextLookAt` is null when none is to come. */
  readonly timetable: { readonly nextLookAt: Instant | null; readonly looks: readonly ShownLook[] }
  readonly policies: number
  readonly undecidedPolicies: number
  /** Sums insured of undecided policies, reviews included, by currency; decimal text. */
  readonly exposure: readonly { readonly currency: string; readonly sumInsuredMinor: string }[]
  readonly observations: readonly ShownObservation[]
  readonly evaluations: readonly ShownEvaluation[]
  readonly coverageIncidents: readonly ShownIncident[]
}

/** Rows of each list that a leg is shown with. */
export const SHOWN_LIMIT = 50

/** Reads legs. */
export interface LegReads {
  /** By departure date and key. Throws PageCursorError. */
  list(filter: LegFilter, page: PageRequest): Promise<Page<ListedLeg>>
  /** The leg; the newest of its key when `seq` is left out. Null when there is none. */
  find(legKey: string, seq?: number): Promise<LegDetails | null>
}
