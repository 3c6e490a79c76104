/** The aviationstack adapter at a server, and a made row of that dialect. */
import {
  createAviationstackProvider,
  type AviationstackOptions,
} from '../../../adapters/flights/aviationstack.ts'
import type { PackLeg } from '../../../domain/leg-pack.ts'
import type { Clock } from '../../../domain/ports/clock.ts'
import type { LegReference } from '../../../domain/ports/flight-data-provider.ts'
import type { Reply } from '../../../simulator/http-server.ts'
import { handClock, leg, referenceOf, startFlights, startScripted, ZONES } from './fixtures.ts'

/** The adapter to any server, without a rate that would slow a test down. */
export function aviationstack(
  baseUrl: string,
  clock: Clock,
  overrides: Partial<AviationstackOptions> = {},
) {
  return createAviationstackProvider({
    apiKey: 'test-key',
    baseUrl,
    ratePerS: 10_000,
    concurrency: 8,
    airports: {
      zoneOf: (iata) => ZONES[iata as keyof typeof ZONES] ?? null, // any text may be asked for
      iataOf: (icao) => (icao.startsWith('K') ? icao.slice(1) : null),
    },
    clock,
    timeoutMs: 2_000,
    ...overrides,
  })
}

/** The local server over legs, with the adapters of both dialects. */
export async function startBoth(legs: readonly PackLeg[], clock: Clock) {
  const rig = await startFlights(legs, clock)
  const second = aviationstack(`${rig.url}/v1`, clock)
  return {
    ...rig,
    second,
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]()
      await rig[Symbol.asyncDispose]()
    },
  }
}

/** When the made leg has arrived. */
export const NOW = '2013-02-08T20:00:00Z'

/** A leg of JetBlue from JFK to SFO, six hours long. */
export function coastLeg(out: string, flightNumber = '35'): PackLeg {
  return leg({ out, destination: 'SFO', blockMin: 360, flightNumber })
}

/** JetBlue 35, 10:00 in New York to 13:00 in San Francisco: 15:00Z to 21:00Z. */
export const COAST_LEG = coastLeg('2013-02-08T15:00:00Z')
/** What is stored of it at bind. */
export const COAST_REFERENCE: LegReference = referenceOf(COAST_LEG, 'B635')

const AT_JFK = { airport: 'JFK', timezone: 'America/New_York', iata: 'JFK', icao: 'KJFK' }
const AT_SFO = { airport: 'SFO', timezone: 'America/Los_Angeles', iata: 'SFO', icao: 'KSFO' }
const UNKNOWN = { estimated: null, actual: null, actual_runway: null, delay: null }

/** A row about the leg, with wall times labelled as UTC; parts of it may be replaced. */
export function row(
  overrides: {
    departure?: Record<string, unknown>
    arrival?: Record<string, unknown>
    flight?: Record<string, unknown>
  } & Record<string, unknown> = {},
) {
  const { departure, arrival, flight, ...rest } = overrides
  return {
    flight_date: '2013-02-08',
    flight_status: 'scheduled',
    departure: { ...AT_JFK, ...UNKNOWN, scheduled: '2013-02-08T10:00:00+00:00', ...departure },
    arrival: { ...AT_SFO, ...UNKNOWN, scheduled: '2013-02-08T13:00:00+00:00', ...arrival },
    airline: { name: 'JetBlue', iata: 'B6', icao: 'JBU' },
    flight: { number: '35', iata: 'B635', icao: 'JBU35', codeshared: null, ...flight },
    aircraft: null,
    live: null,
    ...rest,
  }
}

/** A page that holds all there is. */
export function page(...data: unknown[]): Reply {
  const pagination = { limit: 100, offset: 0, count: data.length, total: data.length }
  return { status: 200, body: JSON.stringify({ pagination, data }) }
}

/** The adapter's answer about the leg when the server replies so. */
export async function statusFrom(
  reply: Reply,
  overrides: Partial<AviationstackOptions> = {},
  reference: LegReference = COAST_REFERENCE,
) {
  await using server = await startScripted(() => reply)
  await using provider = aviationstack(server.url, overrides.clock ?? handClock(NOW), overrides)
  return { result: await provider.getStatus(reference), asked: server.asked }
}

/** The only record of an answer. Throws when there is another number of them. */
export async function recordFrom(reply: Reply, reference: LegReference = COAST_REFERENCE) {
  const { result } = await statusFrom(reply, {}, reference)
  if (!result.ok) throw new Error(result.message)
  const [record] = result.value
  if (record === undefined || result.value.length !== 1) throw new Error('not one record')
  return record
}
