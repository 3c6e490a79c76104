/** `groundstop airports show`: an airport in use and its weather, as last asked for. */
import { InvalidArgumentError, type Command } from 'commander'

import { createAirportCache } from '../../db/stores/airport-cache.ts'
import type { CachedAirport } from '../../domain/ports/airport-cache.ts'
import type { CliContext } from '../context.ts'
import { addReadOptions, printRead, type ReadFlags } from '../reads/reading.ts'
import { fieldLines, timeText } from '../screen/table.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  const airports = program.command('airports').description('airports in use and their weather')
  addReadOptions(airports.command('show'))
    .description('print what is known of an airport; nothing is decided by its weather')
    .argument('<code>', 'IATA code, as JFK', iataCode)
    .action((code: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `airport ${code} in use`,
        from: ({ db }) => createAirportCache(db).find(code),
        lines: showLines,
      }),
    )
}

function iataCode(text: string): string {
  const code = text.toUpperCase()
  if (/^[A-Z]{3}$/.test(code)) return code
  throw new InvalidArgumentError('three letters, as JFK')
}

function showLines({ code, airport, weather }: CachedAirport): string[] {
  const place = airport === null ? null : `${airport.latitude ?? '?'}, ${airport.longitude ?? '?'}`
  const wind = weather === null ? null : windText(weather)
  return fieldLines([
    ['airport', code],
    ['name', airport?.name ?? null],
    ['city', airport?.city ?? null],
    ['country', airport?.countryCode ?? null],
    ['ICAO', airport?.icao ?? null],
    ['position', place],
    ['elevation, ft', airport?.elevationFt ?? null],
    ['zone', airport?.timezone ?? null],
    ['airport asked for, UTC', timeText(airport?.fetchedAt ?? null)],
    ['METAR', weather?.raw ?? null],
    ['observed, UTC', timeText(weather?.observedAt ?? null)],
    ['temperature, °C', weather?.temperatureC ?? null],
    ['wind', wind],
    ['visibility, statute miles', weather?.visibilitySm ?? null],
    ['clouds', weather?.clouds ?? null],
    ['conditions', weather?.conditions ?? null],
  ])
}

function windText(weather: NonNullable<CachedAirport['weather']>): string | null {
  const { windSpeedKt, windDirectionDeg, windGustKt } = weather
  if (windSpeedKt === null) return null
  const from = windDirectionDeg === null ? '' : ` from ${windDirectionDeg}°`
  const gust = windGustKt === null ? '' : `, gusts ${windGustKt} kt`
  return `${windSpeedKt} kt${from}${gust}`
}
