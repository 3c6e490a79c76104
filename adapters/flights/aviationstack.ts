/**
 * Flight data from aviationstack v1: status and timetable of single legs. A second source: its arrivals
 * may be runway times, its times carry wrong labels, and it has no diversion airports.
 */
import { hash } from 'node:crypto'
import type { z } from 'zod'
import type { LegIdentity } from '../../domain/leg.ts'
import type { CallAllowance } from '../../domain/ports/call-allowance.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type {
  FlightDataProvider,
  LegReference,
  ProviderLeg,
  ProviderResult,
  ScheduledLeg,
} from '../../domain/ports/flight-data-provider.ts'
import type { HeldPlan, PlanProber } from '../../domain/ports/plan-store.ts'
import { UNKNOWN_PLAN } from '../../domain/provider-plan.ts'
import { DAY_MS, type Instant } from '../../domain/time.ts'
import { localDateAt } from '../../domain/zone.ts'
import type { CircuitOptions, ReportedState } from '../circuit.ts'
import { failure } from './aeroapi-failure.ts'
import { toFutureLeg } from './aviationstack-future.ts'
import { createAviationHttp, type AviationHttp } from './aviationstack-http.ts'
import { futureRefusal, probeAviationPlan, queryOfDay } from './aviationstack-plan.ts'
import { toProviderLegs, toScheduledLeg, type Airports } from './aviationstack-records.ts'
import type { CallOptions } from './call-limits.ts'
import { futurePage, statusPage, type AviationFlight } from './aviationstack-schema.ts'

/** Where aviationstack is unless a base URL says otherwise. */
export const AVIATIONSTACK_BASE_URL = 'https://api.aviationstack.com/v1'

/** No plan states a rate for `/flights`; twice a second stays clear of `rate_limit_reached`. */
const DEFAULT_RATE_PER_S = 2
const DEFAULT_CONCURRENCY = 4
/** The largest page below the Professional plan. */
const DEFAULT_PAGE_ROWS = 100
/** 2,000 rows: a board of a large airport; a designator has a handful. */
const PAGES_LIMIT = 20
/** Past flights are kept for three months. */
const PAST_DAYS = 90
/** `/flights` shows the flights of today and, in part, of the next two days. */
const STATUS_AHEAD_DAYS = 2
/** `/flightsFuture` refuses dates up to this many days ahead. */
const FUTURE_FROM_DAYS = 7

/** How the aviationstack adapter reaches its server. */
export type AviationstackOptions = {
  /** `access_key`, which goes in the query. Never logged, cut out of every message. */
  readonly apiKey: string
  /** Base URL of a server that speaks the dialect; default the official API. */
  readonly baseUrl?: string | null
  /** Requests a second; default 2. */
  readonly ratePerS?: number
  /** Rate and budget shared with other processes; it stands in for `ratePerS`. */
  readonly allowance?: CallAllowance
  /** Requests under way at most; default 4. */
  readonly concurrency?: number
  /** Rows of a page, 1 to 1,000; default 100, the most that plans below Professional give. */
  readonly pageRows?: number
  /** Zones for local days; IATA codes for rows that give ICAO codes alone. */
  readonly airports: Airports
  /** The business clock: what is past, present or future is asked for in different ways. */
  readonly clock: Clock
  /** What the key's plan includes; default: not known, and everything is asked for. */
  readonly plan?: HeldPlan
  readonly circuit?: CircuitOptions
  /** Longest wait for an answer; default 10,000 ms. */
  readonly timeoutMs?: number
}

/** The provider and what metrics read of it; disposing closes its connections. */
export type AviationstackProvider = FlightDataProvider &
  AsyncDisposable &
  PlanProber &
  ReportedState

type Page<T> = {
  readonly pagination?: { offset: number; count: number; total: number } | null | undefined
  readonly data: readonly T[]
}
type Deps = {
  readonly http: AviationHttp
  readonly clock: Clock
  readonly airports: Airports
  readonly pageRows: number
  readonly plan: HeldPlan
}

const NOTHING_KNOWN: HeldPlan = { read: () => Promise.resolve(UNKNOWN_PLAN) }

/** Throws TypeError on a bad base URL and RangeError on a bad rate. */
export function createAviationstackProvider(options: AviationstackOptions): AviationstackProvider {
  const http = createAviationHttp({
    baseUrl: options.baseUrl ?? AVIATIONSTACK_BASE_URL,
    apiKey: options.apiKey,
    ratePerS: options.ratePerS ?? DEFAULT_RATE_PER_S,
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    ...(options.allowance === undefined ? {} : { allowance: options.allowance }),
    ...(options.circuit === undefined ? {} : { circuit: options.circuit }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  const { clock, airports, pageRows = DEFAULT_PAGE_ROWS, plan = NOTHING_KNOWN } = options
  const deps = { http, clock, airports, pageRows, plan }
  return {
    id: 'aviationstack',
    breakerState: () => http.breakerState,
    openConnections: () => http.openConnections,
    findScheduled: (identity, signal) => findScheduled(deps, identity, signal),
    getStatus: (leg, signal) => getStatus(deps, leg, signal),
    probePlan: (signal) => probeAviationPlan(http, clock, signal),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  }
}

async function getStatus(
  deps: Deps,
  leg: LegReference,
  signal: AbortSignal | undefined,
): Promise<ProviderResult<ProviderLeg[]>> {
  const { identity } = leg
  const zone = deps.airports.zoneOf(identity.origin)
  if (zone === null) return unknownZone(identity.origin)
  const date = localDateAt(leg.scheduledOut, zone)
  const days = daysAhead(await deps.clock.now(), date, zone)
  if (days > STATUS_AHEAD_DAYS || days < -PAST_DAYS) {
    const ident = `${identity.carrier}${identity.flightNumber}`
    return failure('NOT_FOUND', `${ident} leaves outside of the days that the provider shows`)
  }
  const result = await flightsOfDay(
    deps,
    identity,
    { date, days },
    {},
    {
      purpose: leg.purpose,
      signal,
    },
  )
  if (!result.ok) return result
  return { ...result, value: toProviderLegs(result.value, leg, deps.airports) }
}

/** Today's and yesterday's flights of a designator, or those of a past day, as the plan allows. */
async function flightsOfDay(
  deps: Deps,
  { carrier, flightNumber }: LegIdentity,
  { date, days }: { readonly date: string; readonly days: number },
  filters: Readonly<Record<string, string>>,
  { purpose, signal }: CallOptions,
): Promise<ProviderResult<AviationFlight[]>> {
  const ofDay = queryOfDay(await deps.plan.read(), date, days)
  if (!ofDay.ok) return ofDay
  // By the operating number: an ident stored at bind is the ident of the provider that bound it.
  const query = { flight_iata: `${carrier}${flightNumber}`, ...filters, ...ofDay.query }
  const result = await collect(deps, '/flights', query, statusPage, { purpose, signal })
  const isPastAmongPresent = days < 0 && ofDay.query.flight_date === undefined
  if (!result.ok || !isPastAmongPresent || hasFlightOf(date, result.value)) return result
  // The day is not shown any more: that says nothing about the leg.
  return failure('NOT_FOUND', `the key's plan shows no flights of ${date} any more`)
}

function hasFlightOf(date: string, rows: readonly AviationFlight[]): boolean {
  return rows.some(({ flight_date: of }) => of === null || of === date)
}

async function findScheduled(
  deps: Deps,
  identity: LegIdentity,
  signal: AbortSignal | undefined,
): Promise<ProviderResult<ScheduledLeg[]>> {
  signal?.throwIfAborted()
  const originZone = deps.airports.zoneOf(identity.origin)
  const destinationZone = deps.airports.zoneOf(identity.destination)
  if (originZone === null) return unknownZone(identity.origin)
  if (destinationZone === null) return unknownZone(identity.destination)
  const days = daysAhead(await deps.clock.now(), identity.originLocalDate, originZone)
  if (days > FUTURE_FROM_DAYS) {
    const refusal = futureRefusal(await deps.plan.read(), identity.originLocalDate)
    if (refusal !== null) return refusal
    return findFuture(deps, identity, { originZone, destinationZone }, signal)
  }
  if (days > STATUS_AHEAD_DAYS || days < -PAST_DAYS) {
    // No endpoint covers these days: that says nothing against the leg.
    return failure(
      'NOT_FOUND',
      `the provider has no timetable of ${identity.originLocalDate} today`,
    )
  }
  const filters = { dep_iata: identity.origin, arr_iata: identity.destination }
  const day = { date: identity.originLocalDate, days }
  const result = await flightsOfDay(deps, identity, day, filters, { signal })
  if (!result.ok) return result
  const legs = result.value.map((row) => toScheduledLeg(row, identity, deps.airports))
  return { ...result, value: distinct(legs.filter((leg) => leg !== null)) }
}

async function findFuture(
  deps: Deps,
  identity: LegIdentity,
  zones: { originZone: string; destinationZone: string },
  signal: AbortSignal | undefined,
): Promise<ProviderResult<ScheduledLeg[]>> {
  const query = {
    iataCode: identity.origin,
    type: 'departure',
    date: identity.originLocalDate,
    airline_iata: identity.carrier,
    // The filter is a number; a suffix letter is matched on the rows.
    flight_number: identity.flightNumber.replace(/[A-Z]$/, ''),
  }
  const result = await collect(deps, '/flightsFuture', query, futurePage, { signal })
  if (!result.ok) return result
  const legs = result.value.map((row) => toFutureLeg(row, identity, zones, deps.airports))
  return { ...result, value: distinct(legs.filter((leg) => leg !== null)) }
}

/** Days from today, on the wall at the origin, to a date there; negative in the past. */
function daysAhead(now: Instant, date: string, zone: string): number {
  return (Date.parse(date) - Date.parse(localDateAt(now, zone))) / DAY_MS
}

function unknownZone(airport: string): ProviderResult<never> {
  return failure('BAD_REQUEST', `the time zone of airport ${airport} is not known`)
}

/** All rows of a paged answer. Pages that do not add up are a failure: part of a list misleads. */
async function collect<S extends z.ZodType<Page<unknown>>>(
  deps: Deps,
  path: string,
  query: Readonly<Record<string, string>>,
  schema: S,
  call: CallOptions,
): Promise<ProviderResult<z.infer<S>['data'][number][]>> {
  const rows: z.infer<S>['data'][number][] = []
  const hashes: string[] = []
  for (let page = 0; page < PAGES_LIMIT; page += 1) {
    const parameters = { ...query, limit: `${deps.pageRows}`, offset: `${rows.length}` }
    const result: ProviderResult<z.infer<S>> = await deps.http.get(path, parameters, schema, call)
    if (!result.ok) return result
    const { pagination, data } = result.value
    rows.push(...data)
    hashes.push(result.payloadSha256)
    if (rows.length >= (pagination?.total ?? 0)) {
      const [only = ''] = hashes
      const payloadSha256 = hashes.length === 1 ? only : hash('sha256', hashes.join('\n'))
      return { ...result, value: rows, payloadSha256, units: hashes.length }
    }
    if (data.length === 0) break
  }
  return failure('MALFORMED', 'the list has too many pages or fewer rows than it says')
}

/** A leg is listed once for itself and once per code share. */
function distinct(legs: readonly ScheduledLeg[]): ScheduledLeg[] {
  const found = new Map<string, ScheduledLeg>()
  for (const leg of legs) {
    const key = `${leg.carrier}|${leg.flightNumber}|${leg.scheduledOut}`
    const known = found.get(key)
    if (known === undefined || known.marketingIdent !== null) found.set(key, leg)
  }
  return [...found.values()]
}
