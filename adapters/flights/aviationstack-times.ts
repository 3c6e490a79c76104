/**
 * Which instants aviationstack's times are. They are wall times at the airport under the label
 * `+00:00`, so a label is never believed by itself: the reading that gives the insured schedule is.
 */
import type { TimeReading } from '../../domain/ports/flight-data-provider.ts'
import { addMs, HOUR_MS, MINUTE_MS, msBetween, SECOND_MS, type Instant } from '../../domain/time.ts'
import { instantOfLocal } from '../../domain/zone.ts'
import type { StatedTime } from './aviationstack-schema.ts'

/** A reading proves itself on the insured schedule to the minute. */
const PROOF_MS = MINUTE_MS

const READINGS: readonly TimeReading[] = ['LOCAL', 'LABELLED']

/** The scheduled ends of a record, and the zones of its airports; null where unknown. */
export type StatedSchedule = {
  readonly out: StatedTime | null
  readonly in: StatedTime | null
  readonly originZone: string | null
  readonly destinationZone: string | null
}

/** The instant of a stated time under a reading; null when there is none, or no zone or label for it. */
export function readTime(
  time: StatedTime | null,
  zone: string | null,
  reading: TimeReading,
): Instant | null {
  if (time === null) return null
  if (reading === 'LABELLED') return time.labelled
  return zone === null ? null : addMs(instantOfLocal(time.wall, zone), time.second * SECOND_MS)
}

/**
 * Whether the clocks may have shown this wall time twice, an hour apart, so that it names no instant.
 * Never wrong by saying no; says yes for a few times beside a change of half an hour.
 */
export function isRepeated(time: StatedTime, zone: string): boolean {
  const first = instantOfLocal(time.wall, zone)
  const hourLater = new Date(Date.parse(`${time.wall}:00Z`) + HOUR_MS).toISOString().slice(0, 16)
  return msBetween(first, instantOfLocal(hourLater, zone)) > HOUR_MS
}

/** The readings under which both ends of a record's schedule are the insured ones. */
export function readingsThatProve(
  stated: StatedSchedule,
  insured: { readonly scheduledOut: Instant; readonly scheduledIn: Instant },
): TimeReading[] {
  return READINGS.filter((reading) => {
    const out = readTime(stated.out, stated.originZone, reading)
    const arrival = readTime(stated.in, stated.destinationZone, reading)
    return isNear(out, insured.scheduledOut) && isNear(arrival, insured.scheduledIn)
  })
}

function isNear(instant: Instant | null, insured: Instant): boolean {
  return instant !== null && Math.abs(msBetween(insured, instant)) <= PROOF_MS
}

/**
 * The one reading that proofs speak for; null when they contradict each other or there is none. A
 * record that proves both readings (airports on UTC) speaks for neither.
 */
export function provenReading(
  proofs: readonly (readonly TimeReading[])[],
  known: TimeReading | undefined,
): TimeReading | 'CONTRADICTORY' | null {
  const votes = new Set(proofs.filter(({ length }) => length === 1).flat())
  if (known !== undefined) votes.add(known)
  const [vote = null] = votes
  return votes.size > 1 ? 'CONTRADICTORY' : vote
}
