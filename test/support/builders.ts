/** Parts that tests of the book share: a clock moved by hand, a provider of plain data, a bound book. */
import type { Database } from '../../db/client.ts'
import { createPolicyStore } from '../../db/stores/policy-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import type { LegIdentity } from '../../domain/leg.ts'
import { legKey } from '../../domain/leg.ts'
import type { RawPolicyRow } from '../../domain/policy-row.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type {
  FlightDataProvider,
  ProviderFailure,
  ProviderLeg,
  ScheduledLeg,
} from '../../domain/ports/flight-data-provider.ts'
import { addMs, HOUR_MS, parseInstant, parseLocalDate } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { importPolicies } from '../../operations/import-policies.ts'
import type { ImportedPolicies, PlacedRow } from '../../operations/import-policies.ts'

/** A clock that stands still until it is moved. */
export type ManualClock = Clock & {
  set(to: Instant | string): void
  /** Moves on by this much. */
  pass(ms: number): void
}

/** A clock that shows `start`. */
export function manualClock(start: string): ManualClock {
  let shown = parseInstant(start)
  return {
    now: () => Promise.resolve(shown),
    set: (to) => {
      shown = parseInstant(to)
    },
    pass: (ms) => {
      shown = addMs(shown, ms)
    },
  }
}

/** The reference leg of these tests: B6 35 from New York to Palm Beach, 3 hours, on a Saturday. */
export const B6_35: ScheduledLeg = {
  carrier: 'B6',
  flightNumber: '35',
  origin: 'JFK',
  destination: 'PBI',
  scheduledOut: parseInstant('2013-03-09T14:00:00Z'),
  scheduledIn: parseInstant('2013-03-09T17:00:00Z'),
  originZone: 'America/New_York',
  destinationZone: 'America/New_York',
  providerIdent: 'JBU35',
  marketingIdent: null,
}

/** The same leg under other flight numbers, an hour apart or less: `n` of them. */
export function manyLegs(n: number): ScheduledLeg[] {
  return Array.from({ length: n }, (_, index) => ({
    ...B6_35,
    flightNumber: String(1_000 + index),
    providerIdent: `JBU${1_000 + index}`,
  }))
}

/** The identity of a leg of these tests; all leave on 2013-03-09. */
export function identityOf(leg: ScheduledLeg): LegIdentity {
  const { carrier, flightNumber, origin, destination } = leg
  const originLocalDate = parseLocalDate('2013-03-09')
  return { carrier, flightNumber, origin, destination, originLocalDate }
}

/** A provider's record of a leg, as scheduled unless told otherwise. */
export function recordOf(leg: ScheduledLeg, change: Partial<ProviderLeg> = {}): ProviderLeg {
  return {
    providerFlightId: `${leg.providerIdent}-1`,
    carrier: leg.carrier,
    flightNumber: leg.flightNumber,
    origin: leg.origin,
    destination: leg.destination,
    scheduledOut: leg.scheduledOut,
    scheduledIn: leg.scheduledIn,
    estimatedOut: null,
    estimatedIn: null,
    actualOut: null,
    actualOff: null,
    actualOn: null,
    actualIn: null,
    cancelled: false,
    diverted: false,
    registration: null,
    ...change,
  }
}

/** What a record shows after the leg arrived `delayMin` late. */
export function arrivedRecord(leg: ScheduledLeg, delayMin: number): ProviderLeg {
  const delayMs = delayMin * 60_000
  return recordOf(leg, {
    actualOut: addMs(leg.scheduledOut, delayMs),
    actualOff: addMs(leg.scheduledOut, delayMs + 900_000),
    actualOn: addMs(leg.scheduledIn, delayMs - 300_000),
    actualIn: addMs(leg.scheduledIn, delayMs),
  })
}

/** A provider over plain data, in memory. */
export type FakeFlightData = FlightDataProvider & {
  readonly timetable: Map<string, ScheduledLeg[]>
  /** What it shows of a leg, by leg key; a function fails or throws. */
  readonly shown: Map<string, ProviderLeg[] | ProviderFailure>
  /** How often it was asked, for a timetable or a status. */
  readonly asked: { scheduled: number; status: number }
}

/** A provider that knows these legs and shows each as scheduled. */
export function fakeFlightData(legs: readonly ScheduledLeg[]): FakeFlightData {
  const timetable = new Map(legs.map((leg) => [legKey(identityOf(leg)), [leg]]))
  const shown = new Map<string, ProviderLeg[] | ProviderFailure>(
    legs.map((leg) => [legKey(identityOf(leg)), [recordOf(leg)]]),
  )
  const asked = { scheduled: 0, status: 0 }
  return {
    id: 'fake',
    timetable,
    shown,
    asked,
    findScheduled: (identity) => {
      asked.scheduled += 1
      return Promise.resolve(answer(timetable.get(legKey(identity)) ?? []))
    },
    getStatus: ({ identity }) => {
      asked.status += 1
      const showing = shown.get(legKey(identity)) ?? []
      return Promise.resolve('ok' in showing ? showing : answer(showing))
    },
  }
}

function answer<T>(value: T) {
  return { ok: true, value, httpStatus: 200, payloadSha256: 'a'.repeat(64), units: 1 } as const
}

/** A failure that a provider answers with. */
export function failure(kind: ProviderFailure['kind']): ProviderFailure {
  return { ok: false, kind, message: `the fake says ${kind}`, isRetryable: false, httpStatus: null }
}

/** A row of a book on a leg, 250 dollars under FD45 unless told otherwise. */
export function rowOf(leg: ScheduledLeg, policyNumber: string, change: RawPolicyRow = {}) {
  return {
    policy_number: policyNumber,
    product: 'FD45',
    carrier: leg.carrier,
    flight_number: leg.flightNumber,
    origin: leg.origin,
    destination: leg.destination,
    departure_date: '2013-03-09',
    sum_insured: '250.00',
    currency: 'USD',
    payee_ref: `acct_${policyNumber}`,
    ...change,
  }
}

/** Rows with line numbers as in a file with a header. */
export function placed(rows: readonly RawPolicyRow[]): PlacedRow[] {
  return rows.map((row, index) => ({ line: index + 2, row }))
}

/** Enough for every test: ten billion in minor units. */
export const CAPACITY_MINOR = 1_000_000_000_000

/** When the books of these tests are bound: two hours and a half before departure. */
export const BOUND_AT = addMs(B6_35.scheduledOut, -2.5 * HOUR_MS)

/** Binds rows as the product does, with the reference products. */
export async function bindRows(
  db: Database,
  flightData: FlightDataProvider,
  clock: Clock,
  rows: readonly RawPolicyRow[],
  capacityMinor: number = CAPACITY_MINOR,
): Promise<ImportedPolicies> {
  const productStore = createProductStore(db)
  await ensureProducts({ productStore })
  const policyStore = createPolicyStore(db)
  const deps = { policyStore, productStore, flightData, clock, capacityMinor }
  return await importPolicies(deps, placed(rows))
}

/** All that an iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
