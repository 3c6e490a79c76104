/**
 * What a faulty provider does to a leg's records: one entry a fault in one table. Each starts from the
 * honest view of the leg, so a fault never invents what it does not say.
 */
import type { PackLeg } from '../leg-pack.ts'
import type { ProviderLeg } from '../ports/flight-data-provider.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS, toMs, type Instant } from '../time.ts'

/** How large a fault is, in minutes; what is left out takes the fault's default. */
export type FaultSize = {
  readonly minutes?: number | undefined
  readonly beforeMinutes?: number | undefined
  readonly afterMinutes?: number | undefined
}

/** Faults of records, in the order in which they are applied. */
export const RECORD_CHANGE_FAULTS = [
  /** Actual times are shown `minutes` (default 90) later than they would be; estimates go on. */
  'late',
  /** First shown `minutes` (default -20) off; right once shown for `afterMinutes` (default 45). */
  'correction',
  /** Touch-down and arrival `minutes` (default 30) off, for good. */
  'conflict',
  /** The timetable is overwritten by `minutes` (default 60), from `beforeMinutes` (720) before departure. */
  'retime',
  /** A diverted flight without the record to the other airport. */
  'divertNoElsewhere',
  /** A diverted flight's continuation under an id of its own. */
  'divertOtherId',
  /** No record of a diverted flight carries the flag. */
  'divertUnflagged',
  /** A diverted flight's planned record is replaced by the one to the other airport. */
  'divertOriginalGone',
  /** Flagged cancelled from 6 h to 2 h before departure, then as if nothing had been. */
  'reinstate',
  /** Flagged cancelled from 1 h before departure on, though it flies and arrives. */
  'cancelFlagWithoutCancel',
  /** The same number a day earlier (arrived on time) and a day later (planned) as well. */
  'sameNumberOtherDates',
  /** Every record twice. */
  'dupRecords',
  /** No record at all. */
  'vanish',
] as const

export type RecordChangeFault = (typeof RECORD_CHANGE_FAULTS)[number]

type Change = (input: {
  readonly records: ProviderLeg[]
  readonly leg: PackLeg
  readonly nowMs: number
  readonly fault: FaultSize
  /** The honest view at a moment. */
  readonly view: (atMs: number) => ProviderLeg[]
}) => ProviderLeg[]

const DEFAULT_LATE_MIN = 90
const DEFAULT_CORRECTION_MIN = -20
const DEFAULT_CORRECTED_AFTER_MIN = 45
const DEFAULT_CONFLICT_MIN = 30
const DEFAULT_RETIME_MIN = 60
const DEFAULT_RETIMED_BEFORE_MIN = 720

/** The records after each fault. */
export const RECORD_CHANGES: Record<RecordChangeFault, Change> = {
  late: ({ records, nowMs, fault, view }) => {
    const before = view(nowMs - (fault.minutes ?? DEFAULT_LATE_MIN) * MINUTE_MS)
    return records.map((record) => ({ ...record, ...actualsOf(sameRecord(before, record)) }))
  },
  correction: ({ records, nowMs, fault, view }) => {
    const afterMs = (fault.afterMinutes ?? DEFAULT_CORRECTED_AFTER_MIN) * MINUTE_MS
    const before = view(nowMs - afterMs)
    const offMs = (fault.minutes ?? DEFAULT_CORRECTION_MIN) * MINUTE_MS
    return records.map((record) =>
      (sameRecord(before, record)?.actualIn ?? null) === null
        ? moveArrival(record, offMs, nowMs)
        : record,
    )
  },
  conflict: ({ records, nowMs, fault }) => {
    const offMs = (fault.minutes ?? DEFAULT_CONFLICT_MIN) * MINUTE_MS
    return records.map((record) => moveArrival(record, offMs, nowMs))
  },
  retime: ({ records, leg, nowMs, fault }) => {
    const beforeMs = (fault.beforeMinutes ?? DEFAULT_RETIMED_BEFORE_MIN) * MINUTE_MS
    if (nowMs < leg.scheduledOutMs - beforeMs) return records
    const offMs = (fault.minutes ?? DEFAULT_RETIME_MIN) * MINUTE_MS
    return records.map((record) => ({
      ...record,
      // A continuation leaves when it does: it has no timetable to overwrite.
      scheduledOut:
        record.origin === leg.origin ? shift(record.scheduledOut, offMs) : record.scheduledOut,
      scheduledIn: shift(record.scheduledIn, offMs),
    }))
  },
  divertNoElsewhere: ({ records, leg }) => records.filter((record) => !isElsewhere(record, leg)),
  divertOtherId: ({ records, leg }) =>
    records.map((record) =>
      record.origin === leg.origin
        ? record
        : { ...record, providerFlightId: `${record.providerFlightId ?? 'none'}-onward` },
    ),
  divertUnflagged: ({ records }) => records.map((record) => ({ ...record, diverted: false })),
  divertOriginalGone: ({ records, leg }) =>
    records.some((record) => isElsewhere(record, leg))
      ? records.filter((record) => !isPlanned(record, leg))
      : records,
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

/** The record of the leg as it was planned, not one to or from another airport. */
export function isPlanned(record: ProviderLeg, leg: PackLeg): boolean {
  return record.origin === leg.origin && record.destination === leg.destination
}

function isElsewhere(record: ProviderLeg, leg: PackLeg): boolean {
  return record.origin === leg.origin && record.destination !== leg.destination
}

function sameRecord(records: readonly ProviderLeg[], record: ProviderLeg): ProviderLeg | undefined {
  return records.find(
    ({ origin, destination }) => origin === record.origin && destination === record.destination,
  )
}

function actualsOf(
  record: ProviderLeg | undefined,
): Pick<ProviderLeg, 'actualOut' | 'actualOff' | 'actualOn' | 'actualIn'> {
  return {
    actualOut: record?.actualOut ?? null,
    actualOff: record?.actualOff ?? null,
    actualOn: record?.actualOn ?? null,
    actualIn: record?.actualIn ?? null,
  }
}

/** Another arrival, never shown before its own time. */
function moveArrival(record: ProviderLeg, ms: number, nowMs: number): ProviderLeg {
  const past = (instant: Instant | null) => {
    const moved = shift(instant, ms)
    return moved === null || toMs(moved) > nowMs ? null : moved
  }
  return {
    ...record,
    estimatedIn: shift(record.estimatedIn, ms),
    actualOn: past(record.actualOn),
    actualIn: past(record.actualIn),
  }
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
