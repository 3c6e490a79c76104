/**
 * The flight-data server: routes of AeroAPI v4, and of aviationstack v1 under `/v1/`, over real legs. At virtual time t it shows what a
 * provider would know at t, unless a fault switch says otherwise.
 */
import type { Clock } from '../../domain/ports/clock.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS, toMs } from '../../domain/time.ts'
import { answerFaults, FAULTS_PATH } from '../fault-routes.ts'
import type { Reply, RunningServer, SimulatorRequest } from '../http-server.ts'
import { startHttpServer } from '../http-server.ts'
import { answerAviationstack, AVIATIONSTACK_PREFIX } from './aviationstack-routes.ts'
import { loadAirports, renderAirport, type Airports } from './airports.ts'
import { airportIata } from './carriers.ts'
import type { FlightFaultPlan } from './flight-faults.ts'
import { brokenReply, newestFirst } from './flight-faults.ts'
import { flightId, numberOfFlightId, type FlightIndex, type IndexedLeg } from './flight-index.ts'
import { answerPages, badArgument, PAGE_RECORDS, renderProblem } from './pages.ts'
import { renderFlight, renderScheduled } from './render-flight.ts'
import { createShowLeg, type ShowLeg } from './shown-legs.ts'
import { renderObservations } from './weather.ts'
import { historyWindow, isWindow, scheduleWindow, statusWindow, type Window } from './windows.ts'

/** A base URL with this prefix, as the real one has, serves the same. */
const PREFIX = '/aeroapi'
/** A diverted flight's second record leaves after its first, by less than this. */
const CONTINUATION_MS = 2 * DAY_MS
/** Of a day: more than a page. */
const OBSERVATIONS = 24
/** A flight has a provider's id only this long before its departure. */
const ID_KNOWN_MS = 3 * DAY_MS

export type FlightServerOptions = {
  readonly index: FlightIndex
  readonly clock: Clock
  readonly faults: FlightFaultPlan
  /** Of everything that looks random in what is shown. */
  readonly seed: number
}

type FlightDeps = FlightServerOptions & { readonly show: ShowLeg; readonly airports: Airports }

/** Serves flights, schedules, history, airports, weather, `/v1/flights` and `/__faults` on an address. */
export function startFlightServer(
  options: FlightServerOptions,
  address: { host: string; port: number },
): Promise<RunningServer> {
  const deps = { ...options, show: createShowLeg(options), airports: loadAirports() }
  return startHttpServer((request) => answer(deps, request), address)
}

async function answer(deps: FlightDeps, request: SimulatorRequest): Promise<Reply> {
  if (request.path === FAULTS_PATH) return answerFaults(deps.faults, request)
  if (request.path.startsWith(AVIATIONSTACK_PREFIX)) return answerAviationstack(deps, request)
  const path = request.path.startsWith(`${PREFIX}/`)
    ? request.path.slice(PREFIX.length)
    : request.path
  const key = request.headers['x-apikey']
  if (typeof key !== 'string' || key === '' || key.endsWith('_invalid')) {
    return renderProblem(401, 'Unauthorized', 'INVALID_API_KEY', 'Invalid API key.')
  }
  const local = { ...request, path }
  const segments = path.split('/').slice(1).map(decodeURIComponent)
  const [first = '', second = '', third = ''] = segments
  if (segments.length === 2 && first === 'flights') return await flights(deps, local, second)
  if (segments.length === 3 && first === 'history' && second === 'flights') {
    return await history(deps, local, third)
  }
  if (segments.length === 3 && first === 'schedules') {
    return await schedules(deps, local, { start: second, end: third })
  }
  if (first === 'airports' && segments.length >= 2) {
    const rest = segments.slice(2).join('/')
    if (rest === '') return airport(deps, second)
    if (rest === 'weather/observations') return await weather(deps, local, second)
  }
  return renderProblem(404, 'Not found', 'NOT_FOUND', `No such resource: ${path}`)
}

async function flights(deps: FlightDeps, request: SimulatorRequest, ident: string): Promise<Reply> {
  const nowMs = toMs(await deps.clock.now())
  const window = statusWindow(request.query, nowMs)
  return isWindow(window) ? answerFlights(deps, request, ident, { nowMs, window }) : window
}

async function history(deps: FlightDeps, request: SimulatorRequest, ident: string): Promise<Reply> {
  const nowMs = toMs(await deps.clock.now())
  const window = historyWindow(request.query, nowMs)
  return isWindow(window) ? answerFlights(deps, request, ident, { nowMs, window }) : window
}

function answerFlights(
  deps: FlightDeps,
  request: SimulatorRequest,
  ident: string,
  time: { nowMs: number; window: Window },
): Reply {
  const subject = `${ident}|${request.query.get('start') ?? ''}`
  const broken = brokenReply(deps.faults, subject, 'aeroapi')
  if (broken !== null) return broken
  const { fromMs, toMs: untilMs } = time.window
  const records = candidates(deps.index, ident, request.query.get('ident_type'), time.window)
    .flatMap((indexed) =>
      deps.show(indexed, time.nowMs, 'aeroapi').map((record) => ({ record, indexed })),
    )
    .filter(({ record: { scheduledOut } }) => {
      const outMs = scheduledOut === null ? 0 : toMs(scheduledOut)
      return outMs >= fromMs && outMs < untilMs
    })
  const rendered = newestFirst(records).map(({ record, indexed }) =>
    renderFlight(record, deps.index.zones, delayUnitMs(deps, flightId(indexed))),
  )
  return answerPages(request, 'flights', rendered, pageRecords(deps, subject))
}

function delayUnitMs({ faults }: FlightDeps, subject: string): number {
  return faults.hits('secondsMinutes', subject, 'aeroapi') === null ? SECOND_MS : MINUTE_MS
}

function pageRecords({ faults }: FlightDeps, subject: string): number {
  return faults.hits('paginate', subject, 'aeroapi') === null ? PAGE_RECORDS : 1
}

function candidates(
  index: FlightIndex,
  ident: string,
  identType: string | null,
  window: Window,
): IndexedLeg[] {
  const number = numberOfFlightId(ident)
  if (number !== null) {
    const found = index.byNumber(number)
    return found !== null && flightId(found) === ident ? [found] : []
  }
  // As the real service: a designator that looks like a tail number is taken for one.
  if (identType !== 'designator' && /^N\d/.test(ident)) return []
  return index.byDesignator(ident.toUpperCase(), window.fromMs - CONTINUATION_MS, window.toMs)
}

async function schedules(
  deps: FlightDeps,
  request: SimulatorRequest,
  dates: { start: string; end: string },
): Promise<Reply> {
  const nowMs = toMs(await deps.clock.now())
  const window = scheduleWindow(dates, nowMs)
  if (!isWindow(window)) return window
  const { query } = request
  const broken = brokenReply(deps.faults, `schedules|${query.toString()}`, 'aeroapi')
  if (broken !== null) return broken
  const airline = query.get('airline')
  const number = query.get('flight_number')
  const legs =
    airline !== null && number !== null
      ? deps.index.byDesignator(`${airline}${number}`, window.fromMs, window.toMs)
      : deps.index.between(window.fromMs, window.toMs)
  const origin = query.get('origin')
  const destination = query.get('destination')
  const found = legs.filter(
    ({ leg }) =>
      (origin === null || leg.origin === airportIata(origin)) &&
      (destination === null || leg.destination === airportIata(destination)) &&
      (number === null || leg.flightNumber === number),
  )
  const rendered = found.map((indexed) =>
    renderScheduled(
      indexed.leg,
      indexed.leg.scheduledOutMs - nowMs > ID_KNOWN_MS ? null : flightId(indexed),
    ),
  )
  return answerPages(request, 'scheduled', rendered)
}

function airport(deps: FlightDeps, code: string): Reply {
  const broken = brokenReply(deps.faults, `airport|${code}`, 'aeroapi')
  if (broken !== null) return broken
  const iata = airportIata(code.toUpperCase())
  const zone = deps.index.zones[iata]
  return zone === undefined
    ? badArgument(`No such airport: ${code}`)
    : { status: 200, body: JSON.stringify(renderAirport(deps.airports, iata, zone)) }
}

async function weather(deps: FlightDeps, request: SimulatorRequest, code: string): Promise<Reply> {
  const broken = brokenReply(deps.faults, `weather|${code}`, 'aeroapi')
  if (broken !== null) return broken
  const iata = airportIata(code.toUpperCase())
  if (deps.index.zones[iata] === undefined) return badArgument(`No such airport: ${code}`)
  const { seed } = deps
  const nowMs = toMs(await deps.clock.now())
  return answerPages(
    request,
    'observations',
    renderObservations(iata, { nowMs, seed, count: OBSERVATIONS }),
  )
}
