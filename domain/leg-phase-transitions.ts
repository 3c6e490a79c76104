/**
 * Which phase of a leg may follow which between two looks. Looks are minutes apart, so phases may be
 * passed over; what cannot be is going back in time.
 */
import type { LegPhase } from './leg-phase.ts'

const ANY: readonly LegPhase[] = [
  'SCHEDULED',
  'OUT',
  'AIRBORNE',
  'LANDED',
  'ARRIVED',
  'CANCEL_REPORTED',
  'CANCELLED',
  'DIVERTING',
  'DIVERTED',
  'CONTINUING',
  'NOT_REACHED',
  'UNKNOWN',
  'SETTLED',
]

/** An aircraft that has left the ground is not at the gate of its origin again, and not cancelled. */
const IN_THE_AIR: readonly LegPhase[] = [
  'AIRBORNE',
  'LANDED',
  'ARRIVED',
  'DIVERTING',
  'DIVERTED',
  'CONTINUING',
  'NOT_REACHED',
  'UNKNOWN',
  'SETTLED',
]

/**
 * After an arrival the flight is not before it again. An arrival that a later answer refutes, because it
 * was at another airport, may be followed by anything that becomes of a diverted flight.
 */
const AT_THE_DESTINATION: readonly LegPhase[] = [
  'LANDED',
  'ARRIVED',
  'CANCEL_REPORTED',
  'CANCELLED',
  'DIVERTING',
  'DIVERTED',
  'CONTINUING',
  'NOT_REACHED',
  'UNKNOWN',
  'SETTLED',
]

/**
 * The only moves that evidence can make. UNKNOWN and a cancellation confirmed by time are never final.
 * SETTLED is left while policies are undecided, when the arrival is corrected; afterwards only by a new
 * revision of the leg, which the schema sees to.
 */
export const LEG_PHASE_TRANSITIONS: Readonly<Record<LegPhase, readonly LegPhase[]>> = {
  SCHEDULED: ANY,
  OUT: ANY,
  CANCEL_REPORTED: ANY,
  CANCELLED: ANY,
  UNKNOWN: ANY,
  DIVERTING: ANY,
  DIVERTED: ANY,
  CONTINUING: ANY,
  NOT_REACHED: ANY,
  AIRBORNE: IN_THE_AIR,
  LANDED: AT_THE_DESTINATION,
  ARRIVED: AT_THE_DESTINATION,
  SETTLED: AT_THE_DESTINATION,
}

/** Whether one look may find the leg in `to` after the last found it in `from`. */
export function canMoveLeg(from: LegPhase, to: LegPhase): boolean {
  return LEG_PHASE_TRANSITIONS[from].includes(to)
}
