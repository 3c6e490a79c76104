/**
 * The flight server's fault switches. Faults of an answer hit a designator and window, faults of a
 * leg's records hit the leg; each of those is one entry in a table.
 */
import type { PackLeg } from '../../domain/leg-pack.ts'
import type { ProviderLeg } from '../../domain/ports/flight-data-provider.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, toMs, type Instant } from '../../domain/time.ts'
import { createFaultPlan, type FaultPlan, type FaultSwitch } from '../faults.ts'
import type { Reply } from '../http-server.ts'

/** Faults of a whole answer, in the order in which they are tried. */
export const ANSWER_FAULTS = ['timeout', 'reset', '500', '429', 'html', 'truncated'] as const

export const RECORD_FAULTS = [
  /** Shown as of `minutes` (default 120) ago. */
  'stale',
  /** No record at all. */
  'vanish',
  /** Flagged cancelled from 6 h to 2 h before departure, then as if nothing had been. */
  'reinstate',
  /** Flagged cancelled from 1 h before departure on, though it flies and arrives. */
  'cancelFlagWithoutCancel',
  /** Every record twice. */
  'dupRecords',
  /** The same number a day earlier (arrived on time) and a day later (planned) as well. */
  'sameNumberOtherDates',
] as const

export type FlightFault = (typeof ANSWER_FAULTS)[number] | (typeof RECORD_FAULTS)[number]
export type FlightFaultPlan = FaultPlan<FlightFault>

const DEFAULT_STALE_MIN = 120

/** No fault set. */
export function createFlightFaults(seed: number): FlightFaultPlan {
  return createFaultPlan<FlightFault>([...ANSWER_FAULTS, ...RECORD_FAULTS], seed)
}

/** A leg as a faulty provider shows it. `view` is the honest view at a moment. */
export function viewWithFaults(
  plan: FlightFaultPlan,
  subject: string,
  leg: PackLeg,
  nowMs: number,
  view: (atMs: number) => ProviderLeg[],
): ProviderLeg[] {
  if (!plan.isActive) return view(nowMs)
  const stale = plan.hits('stale', subject)
  const atMs = stale === null ? nowMs : nowMs - (stale.minutes ?? DEFAULT_STALE_MIN) * MINUTE_MS
  let records = view(atMs)
  for (const [name, change] of Object.entries(RECORD_CHANGES)) {
    // The table's keys are fault names.
    const fault = plan.hits(name as keyof typeof RECORD_CHANGES, subject)
    if (fault !== null) records = change({ records, leg, nowMs: atMs, fault })
  }
  return records
}

type Change = (input: {
  records: ProviderLeg[]
  leg: PackLeg
  nowMs: number
  fault: FaultSwitch
}) => ProviderLeg[]

const RECORD_CHANGES: Record<Exclude<(typeof RECORD_FAULTS)[number], 'stale'>, Change> = {
  reinstate: ({ records, leg, nowMs }) => {
    const untilDepartureMs = leg.scheduledOutMs - nowMs
    const isFlagged = untilDepartureMs <= 6 * HOUR_MS && untilDepartureMs > 2 * HOUR_MS
    return isFlagged ? records.map(flagCancelled) : records
  },
  cancelFlagWithoutCancel: ({ records, leg, nowMs }) =>
    nowMs >= leg.scheduledOutMs - HOUR_MS ? records.map(flagCancelled) : records,
  sameNumberOtherDates: ({ records }) => [
    ...records.map((record) => plannedOn(record, DAY_MS)),
    ...records,
    ...records.map((record) => arrivedOnTime(plannedOn(record, -DAY_MS))),
  ],
  dupRecords: ({ records }) => records.flatMap((record) => [record, record]),
  vanish: () => [],
}

function flagCancelled(record: ProviderLeg): ProviderLeg {
  return { ...record, cancelled: true }
}

function shift(instant: Instant | null, ms: number): Instant | null {
  return instant === null ? null : addMs(instant, ms)
}

/** The same flight on another day, with nothing known but its schedule. */
function plannedOn(record: ProviderLeg, ms: number): ProviderLeg {
  return {
    ...record,
    providerFlightId: `${record.providerFlightId ?? 'none'}-${ms}`,
    scheduledOut: shift(record.scheduledOut, ms),
    scheduledIn: shift(record.scheduledIn, ms),
    estimatedOut: null,
    estimatedIn: null,
    actualOut: null,
    actualOff: null,
    actualOn: null,
    actualIn: null,
    cancelled: false,
    diverted: false,
  }
}

function arrivedOnTime(record: ProviderLeg): ProviderLeg {
  return {
    ...record,
    actualOut: record.scheduledOut,
    actualOff: shift(record.scheduledOut, 12 * MINUTE_MS),
    actualOn: shift(record.scheduledIn, -6 * MINUTE_MS),
    actualIn: record.scheduledIn,
  }
}

/** The broken answer that hits this request, or null for an honest one. */
export function brokenReply(plan: FlightFaultPlan, subject: string): Reply | null {
  if (!plan.isActive) return null
  if (plan.hits('timeout', subject)) return 'hang'
  if (plan.hits('reset', subject)) return 'reset'
  if (plan.hits('500', subject)) {
    return { status: 500, body: '{"title":"Internal error","reason":"SERVER_ERROR","status":500}' }
  }
  if (plan.hits('429', subject)) {
    // As the real service: no Retry-After, no code worth a name.
    return { status: 429, body: '{"title":"Too many requests","reason":"","status":429}' }
  }
  if (plan.hits('html', subject)) {
    const body = '<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>'
    return { status: 200, body, contentType: 'text/html' }
  }
  if (plan.hits('truncated', subject)) {
    return { status: 200, body: '{"links":null,"num_pages":1,"flights":[{"ident":"JBU3' }
  }
  return null
}

/** Newest scheduled departure first, as the real service lists them; unknown ones last. */
export function newestFirst(records: readonly ProviderLeg[]): ProviderLeg[] {
  const outMs = ({ scheduledOut }: ProviderLeg) => (scheduledOut === null ? 0 : toMs(scheduledOut))
  return records.toSorted((a, b) => outMs(b) - outMs(a))
}
