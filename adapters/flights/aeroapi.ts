/**
 * FlightAware AeroAPI v4 as the product's flight-data provider. Asks for all records of a designator
 * around a leg's day; which of them is the leg is decided by the domain.
 */
import { hash } from 'node:crypto'
import type { z } from 'zod'
import { localDateAt } from '../../domain/zone.ts'
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
import { addMs, DAY_MS, earlier, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { parseInstant } from '../../domain/time.ts'
import type { AirportZones } from '../airports/zones.ts'
import type { CircuitOptions, ReportedState } from '../circuit.ts'
import { failure } from './aeroapi-failure.ts'
import { createAeroHttp, type AeroHttp } from './aeroapi-http.ts'
import type { CallOptions } from './call-limits.ts'
import { toProviderLeg, toScheduledLeg } from './aeroapi-records.ts'
import {
  flightsPage,
  schedulesPage,
  type AeroFlight,
  type AeroScheduled,
} from './aeroapi-schema.ts'

/** Where AeroAPI is unless a base URL says otherwise. */
export const AEROAPI_BASE_URL = 'https://aeroapi.flightaware.com/aeroapi'

/** The Standard plan's limit of result sets a second. */
const DEFAULT_RATE_PER_S = 5
const DEFAULT_CONCURRENCY = 8
/**
 * 300 records: a designator has a handful of flights in the two days asked for, but a server that
 * heeds no dates gives all fourteen days that it has.
 */
const PAGES_LIMIT = 20
/** A retimed departure is looked for this long before the insured one. */
const BEFORE_MS = 12 * HOUR_MS
/** A diverted flight's second record may leave up to a day later. */
const AFTER_MS = 36 * HOUR_MS
/** `/flights` takes dates this far from now; beyond, `/history` has them or nobody has yet. */
const STATUS_PAST_MS = 10 * DAY_MS
const STATUS_FUTURE_MS = 2 * DAY_MS
/** Our clock and the service's need not agree to the minute, least of all a fast virtual one. */
const WINDOW_MARGIN_MS = 30 * MINUTE_MS

/** How the AeroAPI adapter reaches its server. */
export type AeroApiOptions = {
  /** `x-apikey`. Never logged, cut out of every message. */
  readonly apiKey: string
  /** Base URL of a server that speaks the dialect; default the official API. */
  readonly baseUrl?: string | null
  /** Result sets a second; default 5, the Standard plan's limit. */
  readonly ratePerS?: number
  /** Rate and budget shared with other processes; it stands in for `ratePerS`. */
  readonly allowance?: CallAllowance
  /** Requests under way at most; default 8. */
  readonly concurrency?: number
  /** Zones for local days; IATA codes for servers that give ICAO codes alone. */
  readonly airports: Pick<AirportZones, 'zoneOf' | 'iataOf'>
  /** The business clock: the API's date limits are relative to now. */
  readonly clock: Clock
  readonly circuit?: CircuitOptions
  /** Longest wait for an answer; default 10,000 ms. */
  readonly timeoutMs?: number
}

/** The provider and what metrics read of it; disposing closes its connections. */
export type AeroApiProvider = FlightDataProvider & AsyncDisposable & ReportedState

type Page = { readonly links?: { readonly next?: string | null | undefined } | null | undefined }

/** Throws TypeError on a bad base URL and RangeError on a bad rate. */
export function createAeroApiProvider(options: AeroApiOptions): AeroApiProvider {
  const http = createAeroHttp({
    baseUrl: options.baseUrl ?? AEROAPI_BASE_URL,
    apiKey: options.apiKey,
    ratePerS: options.ratePerS ?? DEFAULT_RATE_PER_S,
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    ...(options.allowance === undefined ? {} : { allowance: options.allowance }),
    ...(options.circuit === undefined ? {} : { circuit: options.circuit }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  return {
    id: 'aeroapi',
    breakerState: () => http.breakerState,
    openConnections: () => http.openConnections,
    findScheduled: (identity, signal) => findScheduled(http, options, identity, signal),
    getStatus: async (leg, signal) => getStatus(http, options, leg, signal),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  }
}

async function findScheduled(
  http: AeroHttp,
  { airports: { zoneOf, iataOf } }: Pick<AeroApiOptions, 'airports'>,
  identity: LegIdentity,
  signal: AbortSignal | undefined,
): Promise<ProviderResult<ScheduledLeg[]>> {
  const originZone = zoneOf(identity.origin)
  const destinationZone = zoneOf(identity.destination)
  if (originZone === null || destinationZone === null) {
    const airport = originZone === null ? identity.origin : identity.destination
    return failure('BAD_REQUEST', `the time zone of airport ${airport} is not known`)
  }
  const query = new URLSearchParams({
    origin: identity.origin,
    destination: identity.destination,
    airline: identity.carrier,
    // The API's filter is a number; a suffix letter is matched on the rows.
    flight_number: identity.flightNumber.replace(/[A-Z]$/, ''),
    include_codeshares: 'true',
    include_regional: 'true',
    max_pages: '1',
  })
  // A local day is within the three UTC dates around it.
  const midnight = parseInstant(`${identity.originLocalDate}T00:00:00Z`)
  const first = addMs(midnight, -DAY_MS).slice(0, 10)
  const last = addMs(midnight, 2 * DAY_MS).slice(0, 10)
  const result = await collect<typeof schedulesPage, AeroScheduled>(
    http,
    `/schedules/${first}/${last}?${query.toString()}`,
    schedulesPage,
    (page) => page.scheduled,
    { signal },
  )
  if (!result.ok) return result
  const legs = result.value
    .map((row) => toScheduledLeg(row, identity, { originZone, destinationZone }, iataOf))
    .filter((leg) => leg !== null)
    .filter((leg) => localDateAt(leg.scheduledOut, originZone) === identity.originLocalDate)
  return { ...result, value: distinct(legs) }
}

async function getStatus(
  http: AeroHttp,
  { clock, airports: { iataOf } }: Pick<AeroApiOptions, 'clock' | 'airports'>,
  leg: LegReference,
  signal: AbortSignal | undefined,
): Promise<ProviderResult<ProviderLeg[]>> {
  const now = await clock.now()
  const earliest = addMs(now, WINDOW_MARGIN_MS - STATUS_PAST_MS)
  const latest = addMs(now, STATUS_FUTURE_MS - WINDOW_MARGIN_MS)
  const start = addMs(leg.scheduledOut, -BEFORE_MS)
  const end = addMs(leg.scheduledOut, AFTER_MS)
  if (start >= latest) {
    return failure('NOT_FOUND', `${leg.providerIdent} leaves later than the provider shows flights`)
  }
  const isOld = start < earliest
  const path = isOld ? '/history/flights' : '/flights'
  const query = new URLSearchParams({
    // Without it a designator that looks like a registration is taken for one.
    ident_type: 'designator',
    start: start.replace('.000Z', 'Z'),
    end: earlier(end, isOld ? now : latest).replace('.000Z', 'Z'),
    max_pages: '1',
  })
  const result = await collect<typeof flightsPage, AeroFlight>(
    http,
    `${path}/${encodeURIComponent(leg.providerIdent)}?${query.toString()}`,
    flightsPage,
    (page) => page.flights,
    { purpose: leg.purpose, signal },
  )
  if (!result.ok) return result
  return { ...result, value: result.value.map((flight) => toProviderLeg(flight, leg, iataOf)) }
}

/** All items of a paged answer. More pages than the limit is a failure: part of a list misleads. */
async function collect<S extends z.ZodType<Page>, T>(
  http: AeroHttp,
  path: string,
  schema: S,
  itemsOf: (page: z.infer<S>) => readonly T[],
  call: CallOptions,
): Promise<ProviderResult<T[]>> {
  const items: T[] = []
  const hashes: string[] = []
  let next: string | null = path
  for (let page = 0; page < PAGES_LIMIT && next !== null; page += 1) {
    const result: ProviderResult<z.infer<S>> = await http.get(next, schema, call)
    if (!result.ok) return result
    items.push(...itemsOf(result.value))
    hashes.push(result.payloadSha256)
    const link: string | null | undefined = result.value.links?.next
    if (link === null || link === undefined) {
      const [only = ''] = hashes
      const payloadSha256 = hashes.length === 1 ? only : hash('sha256', hashes.join('\n'))
      return { ...result, value: items, payloadSha256, units: hashes.length }
    }
    next = http.pathOfLink(link)
  }
  return failure('MALFORMED', 'the list has too many pages or a link that is none')
}

/** A timetable may list a leg once for itself and once per code share. */
function distinct(legs: readonly ScheduledLeg[]): ScheduledLeg[] {
  const found = new Map<string, ScheduledLeg>()
  for (const leg of legs) {
    const key = `${leg.carrier}|${leg.flightNumber}|${leg.scheduledOut}`
    const known = found.get(key)
    if (known === undefined || known.marketingIdent !== null) found.set(key, leg)
  }
  return [...found.values()]
}
