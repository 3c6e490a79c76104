/** Cached airports and weather in Postgres. */
import { sql } from 'kysely'

import type { CacheKind } from '../../domain/cache-plan.ts'
import type {
  AirportCache,
  CachedAirport,
  CachedPart,
  DueEntry,
  EntryTimes,
} from '../../domain/ports/airport-cache.ts'
import type { AirportFacts, WeatherObservation } from '../../domain/ports/airport-data-provider.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** Entries of airports that have not been in use for this long are forgotten. */
const UNUSED_DAYS = 60
const FAILURE_LENGTH = 500

/** The cache over the product's schema. */
export function createAirportCache(db: Database): AirportCache {
  return {
    due: (request) => readDue(db, request),
    saveAirport: (provider, airport, times) => saveAirport(db, provider, airport, times),
    saveWeather: (provider, entry, times) => saveWeather(db, provider, entry, times),
    async saveFailure({ kind, code, message, refreshAt }) {
      await sql`
        insert into cache_entry as e (kind, code, refresh_at, failures, last_failure)
        values (${kind}, ${code}, ${refreshAt}, 1, ${message.slice(0, FAILURE_LENGTH)})
        on conflict (kind, code) do update set refresh_at = excluded.refresh_at,
          failures = e.failures + 1, last_failure = excluded.last_failure,
          updated_at = now()`.execute(db)
    },
    removeExpired: (now) => removeExpired(db, now),
    find: (code) => find(db, code),
  }
}

async function readDue(
  db: Database,
  request: Parameters<AirportCache['due']>[0],
): Promise<DueEntry[]> {
  const { kind, now, departuresUntil, limit } = request
  const inUse =
    kind === 'airport'
      ? sql`select origin as code from flight_leg where undecided_policies > 0
          union select destination from flight_leg where undecided_policies > 0`
      : sql`select distinct origin as code from flight_leg
          where undecided_policies > 0 and scheduled_out <= ${departuresUntil}::timestamptz
            and coalesce(facts ->> 'actualOut', facts ->> 'actualOff') is null`
  const { rows } = await sql<DueEntry>`
    select u.code, coalesce(e.failures, 0) as failures
    from (${inUse}) as u
    left join cache_entry e on e.kind = ${kind} and e.code = u.code
    where e.refresh_at is null or e.refresh_at <= ${now}::timestamptz
    order by u.code
    limit ${limit}`.execute(db)
  return rows
}

/** The part of a statement that notes an answered entry, as a common table expression's body. */
function answeredEntry(kind: CacheKind, code: string, refreshAt: Instant) {
  return sql`
    insert into cache_entry (kind, code, refresh_at) values (${kind}, ${code}, ${refreshAt})
    on conflict (kind, code) do update set refresh_at = excluded.refresh_at, failures = 0,
      last_failure = null, updated_at = now()`
}

async function saveAirport(
  db: Database,
  provider: string,
  airport: AirportFacts,
  { fetchedAt, refreshAt, expiresAt }: EntryTimes,
): Promise<void> {
  const { code, icao, name, city, countryCode, latitude, longitude, elevationFt, timezone } =
    airport
  await sql`
    with entry as (${answeredEntry('airport', code, refreshAt)})
    insert into cached_airport (code, icao, name, city, country_code, latitude, longitude,
      elevation_ft, timezone, provider, fetched_at, expires_at)
    values (${code}, ${icao}, ${name}, ${city}, ${countryCode}, ${latitude}, ${longitude},
      ${elevationFt}, ${timezone}, ${provider}, ${fetchedAt}, ${expiresAt})
    on conflict (code) do update set icao = excluded.icao, name = excluded.name,
      city = excluded.city, country_code = excluded.country_code, latitude = excluded.latitude,
      longitude = excluded.longitude, elevation_ft = excluded.elevation_ft,
      timezone = excluded.timezone, provider = excluded.provider, fetched_at = excluded.fetched_at,
      expires_at = excluded.expires_at, updated_at = now()`.execute(db)
}

async function saveWeather(
  db: Database,
  provider: string,
  entry: { readonly code: string; readonly weather: WeatherObservation | null },
  { fetchedAt, refreshAt, expiresAt }: EntryTimes,
): Promise<void> {
  const { code, weather } = entry
  if (weather === null) {
    await answeredEntry('weather', code, refreshAt).execute(db)
    return
  }
  const { observedAt, raw, conditions, clouds, temperatureC } = weather
  const { windDirectionDeg, windSpeedKt, windGustKt, visibilitySm } = weather
  await sql`
    with entry as (${answeredEntry('weather', code, refreshAt)})
    insert into cached_weather (code, observed_at, raw, conditions, clouds, temperature_c,
      wind_direction_deg, wind_speed_kt, wind_gust_kt, visibility_sm, provider, fetched_at, expires_at)
    values (${code}, ${observedAt}, ${raw}, ${conditions}, ${clouds}, ${temperatureC},
      ${windDirectionDeg}, ${windSpeedKt}, ${windGustKt}, ${visibilitySm}, ${provider}, ${fetchedAt},
      ${expiresAt})
    on conflict (code) do update set observed_at = excluded.observed_at, raw = excluded.raw,
      conditions = excluded.conditions, clouds = excluded.clouds,
      temperature_c = excluded.temperature_c, wind_direction_deg = excluded.wind_direction_deg,
      wind_speed_kt = excluded.wind_speed_kt, wind_gust_kt = excluded.wind_gust_kt,
      visibility_sm = excluded.visibility_sm, provider = excluded.provider,
      fetched_at = excluded.fetched_at, expires_at = excluded.expires_at,
      updated_at = now()`.execute(db)
}

async function removeExpired(db: Database, now: Instant): Promise<number> {
  const { rows } = await sql<{ removed: number }>`
    with airports as (
      delete from cached_airport where expires_at <= ${now}::timestamptz returning code
    ),
    weather as (
      delete from cached_weather where expires_at <= ${now}::timestamptz returning code
    ),
    entries as (
      delete from cache_entry
      where refresh_at < ${now}::timestamptz - ${UNUSED_DAYS} * interval '1 day'
    )
    select ((select count(*) from airports) + (select count(*) from weather))::integer
      as removed`.execute(db)
  return rows[0]?.removed ?? 0
}

type AirportRow = {
  readonly icao: string | null
  readonly name: string
  readonly city: string | null
  readonly country_code: string | null
  readonly latitude: number | null
  readonly longitude: number | null
  readonly elevation_ft: number | null
  readonly timezone: string | null
  readonly provider: string
  readonly fetched_at: Instant
}

type WeatherRow = {
  readonly observed_at: Instant
  readonly raw: string
  readonly conditions: string | null
  readonly clouds: string | null
  readonly temperature_c: number | null
  readonly wind_direction_deg: number | null
  readonly wind_speed_kt: number | null
  readonly wind_gust_kt: number | null
  readonly visibility_sm: number | null
  readonly provider: string
  readonly fetched_at: Instant
}

async function find(db: Database, code: string): Promise<CachedAirport | null> {
  const airports = await sql<AirportRow>`
    select icao, name, city, country_code, latitude, longitude, elevation_ft, timezone, provider,
      fetched_at
    from cached_airport where code = ${code}`.execute(db)
  const observations = await sql<WeatherRow>`
    select observed_at, raw, conditions, clouds, temperature_c, wind_direction_deg, wind_speed_kt,
      wind_gust_kt, visibility_sm, provider, fetched_at
    from cached_weather where code = ${code}`.execute(db)
  const [airport, weather] = [airports.rows[0], observations.rows[0]]
  if (airport === undefined && weather === undefined) return null
  return {
    code,
    airport: airport === undefined ? null : airportOf(code, airport),
    weather: weather === undefined ? null : weatherOf(weather),
  }
}

function airportOf(code: string, row: AirportRow): AirportFacts & CachedPart {
  return {
    code,
    icao: row.icao,
    name: row.name,
    city: row.city,
    countryCode: row.country_code,
    latitude: row.latitude,
    longitude: row.longitude,
    elevationFt: row.elevation_ft,
    timezone: row.timezone,
    provider: row.provider,
    fetchedAt: row.fetched_at,
  }
}

function weatherOf(row: WeatherRow): WeatherObservation & CachedPart {
  return {
    observedAt: row.observed_at,
    raw: row.raw,
    conditions: row.conditions,
    clouds: row.clouds,
    temperatureC: row.temperature_c,
    windDirectionDeg: row.wind_direction_deg,
    windSpeedKt: row.wind_speed_kt,
    windGustKt: row.wind_gust_kt,
    visibilitySm: row.visibility_sm,
    provider: row.provider,
    fetchedAt: row.fetched_at,
  }
}
