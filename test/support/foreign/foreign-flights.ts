/**
 * A flight-data server in the AeroAPI v4 dialect that shares nothing with the product or its own local
 * servers, with a switch for each point on which servers of the dialect may differ.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { icaoAirport, icaoCarrier, showLeg } from './foreign-legs.ts'
import type { ForeignLeg, Shown, Telling } from './foreign-legs.ts'

const DAY_MS = 86_400_000

export type FlightsDialect = Telling & {
  /** Path before every path of the API. */
  readonly prefix: string
  readonly codes: 'both' | 'icao' | 'iata'
  /** Airports of a status record as plain texts instead of objects. */
  readonly hasPlainAirports: boolean
  /** Regional flights carry the operator that they are sold by. */
  readonly operator: 'iata' | 'null' | 'seller'
  readonly numbers: 'text' | 'padded' | 'number' | 'null'
  readonly instants: 'Z' | 'ms' | 'offset'
  readonly links: 'null' | 'absent' | 'empty'
  readonly hasForeignLinks: boolean
  readonly pageSize: number
  readonly unknown: '404' | 'empty'
  /** Timetables list other numbers of the route, code shares and rows without times as well. */
  readonly hasNoise: boolean
  /** Status answers hold everything that is known of an ident, whatever dates were asked for. */
  readonly ignoresDates: boolean
  readonly hasEstimates: boolean
  /** `full`, gate times only, or nothing but the gate arrival. */
  readonly actuals: 'full' | 'gate' | 'arrival'
  readonly answerMs: number
  readonly closesConnections: boolean
}

/** The dialect as it is documented. */
export const DOCUMENTED: FlightsDialect = {
  lagMin: 0,
  cancelled: 'early',
  diversion: 'siblings',
  flagged: 'planned',
  onward: 'own-id',
  retimes: false,
  neverArrived: 'diverted',
  prefix: '/aeroapi',
  codes: 'both',
  hasPlainAirports: false,
  operator: 'iata',
  numbers: 'text',
  instants: 'Z',
  links: 'null',
  hasForeignLinks: false,
  pageSize: 15,
  unknown: 'empty',
  hasNoise: false,
  ignoresDates: false,
  hasEstimates: true,
  actuals: 'full',
  answerMs: 0,
  closesConnections: false,
}

export type ForeignFlights = AsyncDisposable & {
  readonly url: string
  /** Answers other than 200 and 404, as `400 /flights/...`. */
  readonly refusals: string[]
  readonly asked: { status: number; scheduled: number }
}

/** Sells every leg under a number of its own. */
const SELLER = ['QF', 'QFA'] as const

type Reply = { readonly status: number; readonly body: unknown }

/** Starts the server on a free port; it reads the clock at each request. */
export async function startForeignFlights(
  legs: readonly ForeignLeg[],
  nowMs: () => number,
  dialect: FlightsDialect,
  key: string,
): Promise<ForeignFlights> {
  const refusals: string[] = []
  const asked = { status: 0, scheduled: 0 }
  const answer = (request: IncomingMessage): Reply => {
    if (request.headers['x-apikey'] !== key) return problem(401, 'INVALID_API_KEY')
    const url = new URL(request.url ?? '/', 'http://here')
    if (!url.pathname.startsWith(`${dialect.prefix}/`)) return problem(404, 'NO_SUCH_PATH')
    const [kind = '', first = '', second = ''] = url.pathname
      .slice(dialect.prefix.length + 1)
      .split('/')
      .map(decodeURIComponent)
    const path = url.pathname.slice(dialect.prefix.length) // links leave the prefix out
    if (kind === 'schedules') asked.scheduled += 1
    else asked.status += 1
    if (kind === 'schedules') return schedules(legs, dialect, first, second, url, path)
    if (kind === 'flights') return flights(legs, dialect, first, url, path, nowMs())
    return problem(404, 'NO_SUCH_PATH')
  }
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (dialect.answerMs > 0) await sleep(dialect.answerMs)
    const { status, body } = answer(request)
    if (status !== 200 && status !== 404) refusals.push(`${status} ${request.url}`)
    response.writeHead(status, {
      'content-type': 'application/json; charset=UTF-8',
      ...(dialect.closesConnections ? { connection: 'close' } : {}),
    })
    response.end(JSON.stringify(body))
  }
  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${dialect.prefix}`,
    refusals,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function problem(status: number, reason: string): Reply {
  return { status, body: { title: reason, reason, detail: reason, status } }
}

function flights(
  legs: readonly ForeignLeg[],
  dialect: FlightsDialect,
  ident: string,
  url: URL,
  path: string,
  nowMs: number,
): Reply {
  const start = Date.parse(url.searchParams.get('start') ?? '')
  const end = Date.parse(url.searchParams.get('end') ?? '')
  const isInWindow = start >= nowMs - 10 * DAY_MS && end <= nowMs + 2 * DAY_MS && start < end
  if (!isInWindow) return problem(400, 'INVALID_ARGUMENT')
  const ofIdent = legs.filter((leg) => identsOf(leg).includes(ident))
  const shown = ofIdent
    .filter((leg) => leg.outMs <= nowMs + 2 * DAY_MS)
    .flatMap((leg) => showLeg(leg, dialect, nowMs).map((record) => ({ leg, record })))
    .map((one) => ({ ...one, atMs: one.record.scheduledOut ?? one.leg.outMs }))
    .filter(({ atMs }) => dialect.ignoresDates || (atMs >= start && atMs < end))
    .toSorted((a, b) => b.atMs - a.atMs)
  if (shown.length === 0 && dialect.unknown === '404') return problem(404, 'NO_DATA')
  const items = shown.map(({ leg, record }) => flight(leg, record, dialect))
  return page(dialect, url, path, 'flights', items)
}

function page(
  dialect: FlightsDialect,
  url: URL,
  path: string,
  name: string,
  items: readonly unknown[],
): Reply {
  const from = Number(url.searchParams.get('cursor') ?? 0)
  const to = from + dialect.pageSize
  const query = new URLSearchParams(url.searchParams)
  query.set('cursor', String(to))
  const host = dialect.hasForeignLinks ? `https://api.example.com${dialect.prefix}` : ''
  const next = to < items.length ? `${host}${path}?${query.toString()}` : null
  const none = { null: { links: null }, absent: {}, empty: { links: { next: null } } }
  const links = next === null ? none[dialect.links] : { links: { next } }
  return { status: 200, body: { ...links, num_pages: 1, [name]: items.slice(from, to) } }
}

function schedules(
  legs: readonly ForeignLeg[],
  dialect: FlightsDialect,
  first: string,
  second: string,
  url: URL,
  path: string,
): Reply {
  const start = Date.parse(first)
  const end = Date.parse(second)
  if (!(start < end) || end - start > 21 * DAY_MS) return problem(400, 'INVALID_ARGUMENT')
  const is = (name: string, ...values: string[]) =>
    values.includes(url.searchParams.get(name) ?? values[0] ?? '')
  const found = legs.filter(
    (leg) =>
      leg.outMs >= start &&
      leg.outMs < end &&
      is('origin', leg.origin, icaoAirport(leg.origin)) &&
      is('destination', leg.destination, icaoAirport(leg.destination)) &&
      is('airline', leg.carrier, icaoCarrier(leg.carrier), ...(dialect.hasNoise ? SELLER : [])) &&
      (dialect.hasNoise || is('flight_number', leg.number)),
  )
  if (found.length === 0 && dialect.unknown === '404') return problem(404, 'NO_DATA')
  const rows = found.flatMap((leg) => {
    const row = scheduled(leg, dialect)
    if (!dialect.hasNoise) return [row]
    const sold = identFields('ident', SELLER[0], `3${leg.number}`, dialect)
    const share = {
      ...row,
      ...sold,
      ...identFields('actual_ident', leg.carrier, leg.number, dialect),
    }
    return [share, row, { ...row, scheduled_in: null }]
  })
  return page(dialect, url, path, 'scheduled', rows)
}

function scheduled(leg: ForeignLeg, dialect: FlightsDialect): Record<string, unknown> {
  const none = { actual_ident: null, actual_ident_icao: null, actual_ident_iata: null }
  return {
    ...identFields('ident', leg.carrier, leg.number, dialect),
    ...(dialect.codes === 'iata' ? { actual_ident: '' } : none),
    aircraft_type: 'A320',
    scheduled_out: instant(leg.outMs, dialect),
    scheduled_in: instant(leg.inMs, dialect),
    ...placeFields('origin', leg.origin, dialect),
    ...placeFields('destination', leg.destination, dialect),
    fa_flight_id: null,
    meal_service: '',
  }
}

function flight(leg: ForeignLeg, shown: Shown, dialect: FlightsDialect): Record<string, unknown> {
  const time = (ms: number | null) => (ms === null ? null : instant(ms, dialect))
  const estimate = (ms: number | null) => (dialect.hasEstimates ? time(ms) : null)
  const isGate = dialect.actuals !== 'arrival'
  const isFull = dialect.actuals === 'full'
  const operators = { iata: leg.carrier, null: null, seller: 'ZZ' }
  const numbers = {
    text: leg.number,
    padded: leg.number.padStart(4, '0'),
    number: Number(leg.number),
    null: null,
  }
  return {
    ...identFields('ident', leg.carrier, leg.number, dialect),
    fa_flight_id: shown.id,
    operator: icaoCarrier(leg.carrier),
    operator_iata: operators[dialect.operator],
    flight_number: numbers[dialect.numbers],
    registration: null,
    blocked: false,
    diverted: shown.diverted,
    cancelled: shown.cancelled,
    position_only: false,
    origin: place(shown.origin, dialect),
    destination: place(shown.destination, dialect),
    departure_delay: 0,
    arrival_delay: 0,
    progress_percent: null,
    status: shown.text,
    type: 'Airline',
    scheduled_out: time(shown.scheduledOut),
    estimated_out: estimate(shown.estimatedOut),
    actual_out: isGate ? time(shown.out) : null,
    actual_off: isFull ? time(shown.off) : null,
    actual_on: isFull ? time(shown.on) : null,
    scheduled_in: time(shown.scheduledIn),
    estimated_in: estimate(shown.estimatedIn),
    actual_in: time(shown.in),
  }
}

function identsOf(leg: ForeignLeg): string[] {
  return [`${leg.carrier}${leg.number}`, `${icaoCarrier(leg.carrier)}${leg.number}`]
}

function identFields(
  name: string,
  carrier: string,
  number: string,
  { codes }: FlightsDialect,
): Record<string, string | null> {
  const iata = `${carrier}${number}`
  const icao = `${icaoCarrier(carrier)}${number}`
  if (codes === 'iata') return { [name]: iata, [`${name}_iata`]: iata }
  if (codes === 'icao') return { [name]: icao, [`${name}_icao`]: icao, [`${name}_iata`]: null }
  return { [name]: icao, [`${name}_icao`]: icao, [`${name}_iata`]: iata }
}

function placeFields(
  name: string,
  iata: string,
  { codes }: FlightsDialect,
): Record<string, string | null> {
  if (codes === 'iata') return { [name]: iata }
  const icao = icaoAirport(iata)
  return { [name]: icao, [`${name}_icao`]: icao, [`${name}_iata`]: codes === 'icao' ? null : iata }
}

function place(iata: string, { codes, hasPlainAirports }: FlightsDialect): unknown {
  const icao = icaoAirport(iata)
  if (hasPlainAirports) return codes === 'iata' ? iata : icao
  if (codes === 'iata') return { code: iata, code_iata: iata }
  return { code: icao, code_icao: icao, code_iata: codes === 'icao' ? null : iata, name: iata }
}

function instant(ms: number, { instants }: FlightsDialect): string {
  const iso = new Date(ms).toISOString()
  if (instants === 'ms') return iso
  return iso.replace(/\.\d+Z$/, instants === 'Z' ? 'Z' : '+00:00')
}
