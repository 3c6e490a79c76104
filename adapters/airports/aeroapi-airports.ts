/**
 * Airports and their METARs from AeroAPI v4, on the allowance of the same key's flight data. Units are
 * made one; nothing here decides a policy.
 */
import { z } from 'zod'

import type {
  AirportDataProvider,
  AirportFacts,
  WeatherObservation,
} from '../../domain/ports/airport-data-provider.ts'
import type { CallAllowance } from '../../domain/ports/call-allowance.ts'
import type { ProviderResult } from '../../domain/ports/flight-data-provider.ts'
import { instantFromMs } from '../../domain/time.ts'
import { failure } from '../flights/aeroapi-failure.ts'
import { createAeroHttp, type AeroHttp } from '../flights/aeroapi-http.ts'

/** The Standard plan's limit of result sets a second, where no allowance is shared. */
const DEFAULT_RATE_PER_S = 5
/** A refresh is in no hurry, and polls want the connections. */
const DEFAULT_CONCURRENCY = 4
const KNOTS_PER_MPS = 1.943_844
const METRES_PER_SM = 1_609.344

/** How the adapter reaches its server. */
export type AeroAirportsOptions = {
  /** `x-apikey`. Never logged, cut out of every message. */
  readonly apiKey: string
  readonly baseUrl: string
  /** Rate and budget shared with flight data and with other processes. */
  readonly allowance?: CallAllowance
  /** Longest wait for an answer; default 10,000 ms. */
  readonly timeoutMs?: number
}

const text = z.string().nullish()
const number = z.number().nullish()

const airportBody = z.object({
  code_icao: text,
  code_iata: text,
  name: z.string().min(1),
  city: text,
  country_code: text,
  latitude: z.number().min(-90).max(90).nullish(),
  longitude: z.number().min(-180).max(180).nullish(),
  elevation: number,
  timezone: text,
})

const observationsBody = z.object({
  observations: z.array(
    z.object({
      time: z.iso.datetime({ offset: true }),
      raw_data: z.string().min(1),
      conditions: text,
      cloud_friendly: text,
      temp_air: number,
      wind_direction: number,
      wind_speed: number,
      wind_speed_gust: number,
      wind_units: text,
      visibility: number,
      visibility_units: text,
    }),
  ),
})

type Observation = z.infer<typeof observationsBody>['observations'][number]

/** Throws TypeError on a bad base URL. */
export function createAeroAirports(
  options: AeroAirportsOptions,
): AirportDataProvider & AsyncDisposable {
  const { baseUrl, apiKey, allowance, timeoutMs } = options
  const http = createAeroHttp({
    baseUrl,
    apiKey,
    ratePerS: DEFAULT_RATE_PER_S,
    concurrency: DEFAULT_CONCURRENCY,
    ...(allowance === undefined ? {} : { allowance }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  return {
    id: 'aeroapi',
    airport: (code, signal) => readAirport(http, code, signal),
    weather: (code, signal) => readWeather(http, code, signal),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  }
}

async function readAirport(
  http: AeroHttp,
  code: string,
  signal: AbortSignal | undefined,
): Promise<ProviderResult<AirportFacts>> {
  const result = await http.get(`/airports/${encodeURIComponent(code)}`, airportBody, { signal })
  if (!result.ok) return result
  const { value } = result
  // A code is a name in several registers: another airport's facts must not get under this one's.
  if (typeof value.code_iata === 'string' && value.code_iata !== code) {
    return failure('MALFORMED', `asked for ${code}, told of ${value.code_iata.slice(0, 8)}`)
  }
  return {
    ...result,
    value: {
      code,
      icao: value.code_icao ?? null,
      name: value.name,
      city: value.city ?? null,
      countryCode: value.country_code ?? null,
      latitude: value.latitude ?? null,
      longitude: value.longitude ?? null,
      elevationFt: value.elevation ?? null,
      timezone: value.timezone ?? null,
    },
  }
}

async function readWeather(
  http: AeroHttp,
  code: string,
  signal: AbortSignal | undefined,
): Promise<ProviderResult<WeatherObservation | null>> {
  const query = 'temperature_units=C&return_nearby_weather=false&max_pages=1'
  const path = `/airports/${encodeURIComponent(code)}/weather/observations?${query}`
  const result = await http.get(path, observationsBody, { signal })
  if (!result.ok) return result
  const [newest] = result.value.observations.toSorted(
    (a, b) => Date.parse(b.time) - Date.parse(a.time),
  )
  return { ...result, value: newest === undefined ? null : toObservation(newest) }
}

function toObservation(row: Observation): WeatherObservation {
  return {
    observedAt: instantFromMs(Date.parse(row.time)),
    raw: row.raw_data,
    conditions: row.conditions ?? null,
    clouds: row.cloud_friendly ?? null,
    temperatureC: row.temp_air ?? null,
    windDirectionDeg: row.wind_direction ?? null,
    windSpeedKt: knots(row.wind_speed, row.wind_units),
    windGustKt: knots(row.wind_speed_gust, row.wind_units),
    visibilitySm: statuteMiles(row.visibility, row.visibility_units),
  }
}

/** Null when there is no figure, or its unit is not known. */
function knots(value: number | null | undefined, unit: string | null | undefined): number | null {
  if (typeof value !== 'number') return null
  if (unit === 'KT') return value
  return unit === 'MPS' ? value * KNOTS_PER_MPS : null
}

function statuteMiles(
  value: number | null | undefined,
  unit: string | null | undefined,
): number | null {
  if (typeof value !== 'number') return null
  if (unit === 'SM') return value
  return unit === 'M' || unit === 'meters' ? value / METRES_PER_SM : null
}
