/**
 * The aviationstack v1 dialect of the flight server: `/v1/flights` and `/v1/flightsFuture`, with the
 * key in the query, pages by offset and every error in the body.
 */
import type { Clock } from '../../domain/ports/clock.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, toMs } from '../../domain/time.ts'
import type { Answer, Reply, SimulatorRequest } from '../http-server.ts'
import { brokenReply, isTzBugged, type FlightFault, type FlightFaultPlan } from './flight-faults.ts'
import { flightId, type FlightIndex, type IndexedLeg } from './flight-index.ts'
import { isPlanned } from '../../domain/simulation/record-faults.ts'
import {
  codeShareOf,
  operatingIdent,
  renderFuture,
  renderRow,
  type AviationRow,
} from './render-aviationstack.ts'
import type { ShowLeg } from './shown-legs.ts'
import { wallTime } from './wall-time.ts'

/** Every address of the dialect begins so. */
export const AVIATIONSTACK_PREFIX = '/v1/'

const PAST_DAYS = 92
const FUTURE_FROM_DAYS = 7
/** Without a date: the flights of today, and a little on either side. */
const PRESENT_BEFORE_MS = 24 * HOUR_MS
const PRESENT_AFTER_MS = 48 * HOUR_MS
const DEFAULT_LIMIT = 100
const LARGEST_LIMIT = 1_000

/** What the dialect's routes need of the server. */
export type AviationDeps = {
  readonly index: FlightIndex
  readonly clock: Clock
  readonly faults: FlightFaultPlan
  readonly show: ShowLeg
}

/**
 * The answer to a request under `/v1/`. A key that ends in `_invalid` is refused, one that ends in
 * `_free` has no past and no future flights, one that ends in `_spent` has used up its month.
 */
export async function answerAviationstack(
  deps: AviationDeps,
  request: SimulatorRequest,
): Promise<Reply> {
  const refusal = refusalOfKey(request) ?? refusalOfPlan(deps.faults, request)
  if (refusal !== null) return refusal
  if (request.path === '/v1/flights') return flights(deps, request)
  if (request.path === '/v1/flightsFuture') return flightsFuture(deps, request)
  return problem(404, 'invalid_api_function', 'This API function does not exist.')
}

function refusalOfKey({ query }: SimulatorRequest): Answer | null {
  const key = query.get('access_key') ?? ''
  if (key === '') return problem(401, 'missing_access_key', 'You have not supplied an access key.')
  if (key.endsWith('_invalid')) {
    return problem(401, 'invalid_access_key', 'You have not supplied a valid access key.')
  }
  if (key.endsWith('_spent')) {
    return problem(429, 'usage_limit_reached', 'Your monthly usage limit has been reached.')
  }
  return null
}

/** What the plan does not include, by its switches; a key that ends in `_free` has no past and no future. */
function refusalOfPlan(faults: FlightFaultPlan, { path, query }: SimulatorRequest): Answer | null {
  const isSet = (name: FlightFault) => faults.hits(name, path, 'aviationstack') !== null
  if (isSet('planWithoutHttps')) {
    const text = 'Access Restricted - Your current plan does not support HTTPS Encryption.'
    return problem(403, 'https_access_restricted', text)
  }
  const isFree = query.get('access_key')?.endsWith('_free') === true
  if (path === '/v1/flightsFuture') return isFree || isSet('planWithoutFuture') ? notInPlan() : null
  if (path !== '/v1/flights') return null
  if (isSet('planWithoutFlights')) return notInPlan()
  const isPast = query.has('flight_date')
  return isPast && (isFree || isSet('planWithoutPast')) ? notInPlan() : null
}

async function flights(deps: AviationDeps, request: SimulatorRequest): Promise<Reply> {
  const { query } = request
  const nowMs = toMs(await deps.clock.now())
  const date = query.get('flight_date')
  if (date !== null) {
    const refusal = refusalOfDate(date, nowMs)
    if (refusal !== null) return refusal
  }
  const ident = (query.get('flight_iata') ?? query.get('flight_icao') ?? '').toUpperCase()
  const subject = `${ident}|${date ?? ''}`
  const broken = brokenReply(deps.faults, subject, 'aviationstack')
  if (broken !== null) return broken
  const rows = candidates(deps.index, ident, date, nowMs)
    .filter(({ leg }) => isAsked(query, { departure: leg.origin, arrival: leg.destination }))
    .flatMap((indexed) => rowsOf(deps, indexed, nowMs))
    .filter((row) => isIdent(row, ident) && (date === null || row.flight_date === date))
  return page(deps, request, rows, subject)
}

function refusalOfDate(date: string, nowMs: number): Answer | null {
  const atMs = readDate(date)
  if (atMs === null) return invalid('flight_date', 'This value is not a valid date.')
  const isKept = atMs >= nowMs - PAST_DAYS * DAY_MS
  return isKept ? null : invalid('flight_date', 'This date is more than three months ago.')
}

function candidates(
  index: FlightIndex,
  ident: string,
  date: string | null,
  nowMs: number,
): IndexedLeg[] {
  const dateMs = date === null ? null : readDate(date)
  const fromMs = dateMs === null ? nowMs - PRESENT_BEFORE_MS : dateMs - DAY_MS
  const untilMs = dateMs === null ? nowMs + PRESENT_AFTER_MS : dateMs + 2 * DAY_MS
  if (ident === '') return index.between(fromMs, untilMs)
  return index.byDesignator(operatingIdent(ident) ?? ident, fromMs, untilMs)
}

/** The leg's planned records, each followed by its code share. */
function rowsOf(deps: AviationDeps, indexed: IndexedLeg, nowMs: number): AviationRow[] {
  const subject = flightId(indexed)
  const isSwapped = deps.faults.hits('secondsMinutes', subject, 'aviationstack') !== null
  const style = {
    isTzBugged: isTzBugged(deps.faults, subject),
    delayUnitMs: isSwapped ? SECOND_MS : MINUTE_MS,
  }
  return deps
    .show(indexed, nowMs, 'aviationstack')
    .filter((record) => isPlanned(record, indexed.leg))
    .flatMap((record) => {
      const row = renderRow(record, deps.index.zones, style)
      const share = codeShareOf(row)
      return share === null ? [row] : [row, share]
    })
}

function isIdent({ flight }: AviationRow, ident: string): boolean {
  return ident === '' || flight.iata === ident || flight['icao'] === ident
}

function isAsked(
  query: URLSearchParams,
  leg: { readonly departure: string; readonly arrival: string },
): boolean {
  const departure = query.get('dep_iata')
  const arrival = query.get('arr_iata')
  return (
    (departure === null || departure === leg.departure) &&
    (arrival === null || arrival === leg.arrival)
  )
}

async function flightsFuture(deps: AviationDeps, request: SimulatorRequest): Promise<Reply> {
  const { query } = request
  const date = query.get('date') ?? ''
  const dateMs = readDate(date)
  if (dateMs === null) return invalid('date', 'This value is not a valid date.')
  const todayMs = Math.floor(toMs(await deps.clock.now()) / DAY_MS) * DAY_MS
  if (dateMs <= todayMs + FUTURE_FROM_DAYS * DAY_MS) {
    // A refusal for good under the status of a passing failure, as the real service has it.
    return problem(500, 'internal_error', 'date must be above today+7')
  }
  const airport = (query.get('iataCode') ?? '').toUpperCase()
  const subject = `future|${airport}|${date}`
  const broken = brokenReply(deps.faults, subject, 'aviationstack')
  if (broken !== null) return broken
  const airline = query.get('airline_iata')
  const number = query.get('flight_number')
  const isDeparture = query.get('type') !== 'arrival'
  const { zones } = deps.index
  const rows = deps.index
    .between(dateMs - DAY_MS, dateMs + 2 * DAY_MS)
    .filter(({ leg }) => {
      const at = isDeparture
        ? { airport: leg.origin, ms: leg.scheduledOutMs }
        : { airport: leg.destination, ms: leg.scheduledInMs }
      return (
        at.airport === airport &&
        wallTime(at.ms, zones[at.airport] ?? 'UTC').startsWith(date) &&
        (airline === null || leg.carrier === airline) &&
        (number === null || leg.flightNumber === number)
      )
    })
    .map(({ leg }) => renderFuture(leg, zones))
  return page(deps, request, rows, subject)
}

function page(
  deps: AviationDeps,
  { query }: SimulatorRequest,
  rows: readonly unknown[],
  subject: string,
): Answer {
  const asked = Number(query.get('limit') ?? DEFAULT_LIMIT)
  const offset = Number(query.get('offset') ?? 0)
  if (!Number.isInteger(asked) || asked < 1 || asked > LARGEST_LIMIT) {
    return invalid('limit', `This value should be between 1 and ${LARGEST_LIMIT}.`)
  }
  if (!Number.isInteger(offset) || offset < 0) {
    return invalid('offset', 'This value should be 0 or more.')
  }
  const limit = deps.faults.hits('paginate', subject, 'aviationstack') === null ? asked : 1
  const data = rows.slice(offset, offset + limit)
  const pagination = { limit, offset, count: data.length, total: rows.length }
  return { status: 200, body: JSON.stringify({ pagination, data }) }
}

/** Midnight UTC of `YYYY-MM-DD`; null for any other text. */
function readDate(text: string): number | null {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}

function notInPlan(): Answer {
  const text = 'Your current subscription plan does not support this API function.'
  return problem(403, 'function_access_restricted', text)
}

function invalid(parameter: string, message: string): Answer {
  const context = { [parameter]: [{ key: 'invalid', message }] }
  const error = { code: 'validation_error', message: 'Request validation failed', context }
  return { status: 400, body: JSON.stringify({ error }) }
}

function problem(status: number, code: string, message: string): Answer {
  return { status, body: JSON.stringify({ error: { code, message } }) }
}
