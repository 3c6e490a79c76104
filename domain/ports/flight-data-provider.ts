/** What the product asks of a flight-data service, whatever its dialect. */
import type { LegIdentity } from '../leg.ts'
import type { Instant } from '../time.ts'
import type { CallPurpose } from './call-allowance.ts'

/**
 * How a provider's times are to be read: as wall time at the airport, whatever offset they are labelled
 * with, or as labelled.
 */
export type TimeReading = 'LOCAL' | 'LABELLED'

/**
 * One record of a provider, normalised. A provider's own delay figure is never carried: delay is
 * computed from instants. Airports are IATA codes; every field may be unknown.
 */
export type ProviderLeg = {
  /** The provider's own id. Not unique: both records of a diverted flight carry the same one. */
  readonly providerFlightId: string | null
  /** Operating carrier, IATA. */
  readonly carrier: string | null
  readonly flightNumber: string | null
  readonly origin: string | null
  readonly destination: string | null
  readonly scheduledOut: Instant | null
  readonly scheduledIn: Instant | null
  readonly estimatedOut: Instant | null
  readonly estimatedIn: Instant | null
  /** Left the gate. */
  readonly actualOut: Instant | null
  /** Left the ground. */
  readonly actualOff: Instant | null
  /** Touched down: a runway time, never an arrival by itself. */
  readonly actualOn: Instant | null
  /** Reached the gate: the arrival. */
  readonly actualIn: Instant | null
  readonly cancelled: boolean
  readonly diverted: boolean
  readonly registration: string | null
  /**
   * What `actualIn` is. `UNKNOWN`: the gate's or the runway's time, so a second opinion only, good to
   * three minutes. Absent: the gate's.
   */
  readonly arrivalQuality?: 'GATE' | 'UNKNOWN'
  /**
   * It cannot be told which instants the provider's times are. Every time is null then, and nothing
   * else in the record may be taken for or against a payment. Absent: the times are certain.
   */
  readonly isTimeAmbiguous?: boolean
  /** How the times were read, where the provider's labels are not to be trusted; absent: as labelled. */
  readonly timeReading?: TimeReading
  /** Reported as an incident: for people, whatever else the record says. */
  readonly isIncident?: boolean
  /** As sold, when the provider's row was a code share's: `QF3035`. */
  readonly marketingIdent?: string
}

/** A leg as the provider's timetable has it, for binding. */
export type ScheduledLeg = {
  readonly carrier: string
  readonly flightNumber: string
  readonly origin: string
  readonly destination: string
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
  /** IANA zones of the two airports. */
  readonly originZone: string
  readonly destinationZone: string
  /** What to ask the provider for this leg with, best known: `JBU35`. */
  readonly providerIdent: string
  /** As sold, when the record asked for was a code share: `QF3101`. */
  readonly marketingIdent: string | null
  /**
   * The times follow from the provider's habit, not from its labels: another source must confirm them
   * before they are insured. Absent: they are as labelled.
   */
  readonly isTimeUnverified?: boolean
}

/** How a call ended without an answer. */
export type ProviderFailureKind =
  | 'NOT_FOUND'
  | 'THROTTLED'
  | 'QUOTA'
  | 'AUTH'
  | 'BAD_REQUEST'
  | 'UNAVAILABLE'
  | 'MALFORMED'

/** A call that brought no answer. */
export type ProviderFailure = {
  readonly ok: false
  readonly kind: ProviderFailureKind
  /** For people and logs: no key, no URL with a key. */
  readonly message: string
  readonly isRetryable: boolean
  readonly httpStatus: number | null
  readonly retryAfterMs?: number
  /** The key is good, and its plan does not include what was asked for. Absent: it is not that. */
  readonly isPlanRefusal?: boolean
}

/** An answer, and what it cost. */
export type ProviderAnswer<T> = {
  readonly ok: true
  readonly value: T
  readonly httpStatus: number
  /** SHA-256 of the raw body, lower-case hex: ties a stored observation to what was received. */
  readonly payloadSha256: string
  /** Billable result sets that this answer cost. */
  readonly units: number
}

/** How a call ended. */
export type ProviderResult<T> = ProviderAnswer<T> | ProviderFailure

/** Enough of a leg to ask for its status. */
export type LegReference = {
  readonly identity: LegIdentity
  readonly providerIdent: string
  readonly scheduledOut: Instant
  readonly scheduledIn: Instant
  /** The reading that an earlier record of this provider proved for the leg; absent: none has yet. */
  readonly timeReading?: TimeReading
  /**
   * The timetable that another source shows now, where it is not the insured one: the carrier changed it,
   * and a reading of this provider's times may prove itself on it as well.
   */
  readonly changedTo?: { readonly scheduledOut: Instant; readonly scheduledIn: Instant }
  /** What the answer is for, when calls get scarce; absent: ROUTINE. */
  readonly purpose?: CallPurpose
}

/** Never throws for what a service does: every outcome is a value. Throws only on cancellation. */
export interface FlightDataProvider {
  readonly id: string
  /** The timetable's candidates for one leg; an empty list means the provider knows no such leg. */
  findScheduled(
    identity: LegIdentity,
    signal?: AbortSignal,
  ): Promise<ProviderResult<ScheduledLeg[]>>
  /** All records of the ident around the leg's day; the caller matches, never takes the first. */
  getStatus(leg: LegReference, signal?: AbortSignal): Promise<ProviderResult<ProviderLeg[]>>
}
