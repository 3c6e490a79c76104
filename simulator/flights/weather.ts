/**
 * METARs of an airport in AeroAPI's dialect: one an hour, drawn from the seed, the same at every asking.
 * Made up, and nothing is decided by it.
 */
import { drawsOf, type Draws } from '../../domain/simulation/random.ts'
import { HOUR_MS, instantFromMs, MINUTE_MS } from '../../domain/time.ts'
import { airportIcao } from './carriers.ts'

/** METARs are made nine minutes before the hour and known three minutes later. */
const MADE_BEFORE_MS = 9 * MINUTE_MS
const KNOWN_AFTER_MS = 3 * MINUTE_MS
const CALM_KT = 3

type Sky = {
  /** Drawn below this and not below the one before. */
  readonly below: number
  readonly symbol: string
  readonly clouds: string
  readonly conditions: string | null
  readonly visibilitySm: number
}

const SKIES: readonly Sky[] = [
  { below: 0.45, symbol: 'SKC', clouds: 'Clear skies', conditions: null, visibilitySm: 10 },
  { below: 0.7, symbol: 'SCT045', clouds: 'Scattered clouds', conditions: null, visibilitySm: 10 },
  { below: 0.88, symbol: 'BKN025', clouds: 'Mostly cloudy', conditions: null, visibilitySm: 8 },
  { below: 0.95, symbol: 'OVC012', clouds: 'Overcast skies', conditions: '-RA', visibilitySm: 4 },
  { below: 1, symbol: 'OVC005', clouds: 'Overcast skies', conditions: 'SN', visibilitySm: 1 },
]

/** What is known at `nowMs`: `count` observations, the newest first. */
export function renderObservations(
  iata: string,
  options: { readonly nowMs: number; readonly seed: number; readonly count: number },
): Record<string, unknown>[] {
  const { nowMs, seed, count } = options
  const newestHour = Math.floor((nowMs - KNOWN_AFTER_MS + MADE_BEFORE_MS) / HOUR_MS)
  return Array.from({ length: count }, (_, back) =>
    renderObservation(iata, newestHour - back, seed),
  )
}

function renderObservation(iata: string, hour: number, seed: number): Record<string, unknown> {
  const draw = drawsOf(`${iata}|metar|${hour}`, seed)
  const atMs = hour * HOUR_MS - MADE_BEFORE_MS
  const time = instantFromMs(atMs).replace('.000Z', 'Z')
  const { temperatureC, dewpointC } = temperatures(atMs, draw)
  const wind = drawWind(draw)
  const sky = skyAt(draw())
  const pressure = Math.round((29.6 + draw() * 0.8) * 100) / 100
  const raw = [
    airportIcao(iata),
    `${time.slice(8, 10)}${time.slice(11, 13)}${time.slice(14, 16)}Z`,
    windGroup(wind),
    `${sky.visibilitySm}SM`,
    ...(sky.conditions === null ? [] : [sky.conditions]),
    sky.symbol,
    `${metarTemperature(temperatureC)}/${metarTemperature(dewpointC)}`,
    `A${Math.round(pressure * 100)}`,
  ].join(' ')
  return {
    airport_code: airportIcao(iata),
    cloud_friendly: sky.clouds,
    clouds: [{ altitude: null, symbol: sky.symbol.slice(0, 3), type: sky.symbol.slice(0, 3) }],
    conditions: sky.conditions,
    pressure,
    pressure_units: 'in Hg',
    raw_data: raw,
    relative_humidity: humidity(temperatureC, dewpointC),
    temp_air: temperatureC,
    temp_dewpoint: dewpointC,
    temp_perceived: temperatureC,
    time,
    visibility: sky.visibilitySm,
    visibility_units: 'SM',
    wind_direction: wind.speedKt <= CALM_KT ? 0 : wind.directionDeg,
    wind_friendly: wind.speedKt <= CALM_KT ? 'Calm' : 'Wind',
    wind_speed: wind.speedKt,
    wind_speed_gust: wind.gustKt,
    wind_units: 'KT',
  }
}

/** Colder in January than in July, and at night than in the afternoon, by a northern calendar. */
function temperatures(atMs: number, draw: Draws): { temperatureC: number; dewpointC: number } {
  const year = Math.cos(((new Date(atMs).getUTCMonth() - 6.5) / 12) * 2 * Math.PI)
  const day = Math.cos(((new Date(atMs).getUTCHours() - 19) / 24) * 2 * Math.PI)
  const temperatureC = Math.round(12 + 12 * year + 4 * day + 6 * (draw() - 0.5))
  return { temperatureC, dewpointC: temperatureC - Math.round(1 + 9 * draw()) }
}

type Wind = {
  readonly directionDeg: number
  readonly speedKt: number
  readonly gustKt: number | null
}

function drawWind(draw: Draws): Wind {
  const directionDeg = 10 * Math.ceil(36 * draw() || 1)
  const speedKt = Math.round(24 * draw() ** 2)
  return {
    directionDeg,
    speedKt,
    gustKt: speedKt > 15 ? speedKt + Math.round(12 * draw()) + 3 : null,
  }
}

function windGroup({ directionDeg, speedKt, gustKt }: Wind): string {
  if (speedKt <= CALM_KT) return '00000KT'
  const two = (value: number): string => String(value).padStart(2, '0')
  const gust = gustKt === null ? '' : `G${two(gustKt)}`
  return `${String(directionDeg).padStart(3, '0')}${two(speedKt)}${gust}KT`
}

function skyAt(chance: number): Sky {
  const sky = SKIES.find(({ below }) => chance < below)
  if (sky === undefined) throw new RangeError(`a draw is below 1: ${chance}`)
  return sky
}

function metarTemperature(celsius: number): string {
  return `${celsius < 0 ? 'M' : ''}${String(Math.abs(celsius)).padStart(2, '0')}`
}

/** Magnus formula, per cent. */
function humidity(temperatureC: number, dewpointC: number): number {
  const vapour = (celsius: number): number => Math.exp((17.625 * celsius) / (243.04 + celsius))
  return Math.round((100 * vapour(dewpointC)) / vapour(temperatureC))
}
