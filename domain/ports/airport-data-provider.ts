/** What the product asks of a service about airports: where they are, and their weather. */
import type { Instant } from '../time.ts'
import type { ProviderResult } from './flight-data-provider.ts'

/** An airport as the provider has it. */
export type AirportFacts = {
  /** IATA. */
  readonly code: string
  readonly icao: string | null
  readonly name: string
  readonly city: string | null
  /** ISO 3166, two letters. */
  readonly countryCode: string | null
  readonly latitude: number | null
  readonly longitude: number | null
  readonly elevationFt: number | null
  /** IANA. */
  readonly timezone: string | null
}

/** A METAR, and what the provider reads in it. Informational: nothing is decided by it. */
export type WeatherObservation = {
  readonly observedAt: Instant
  /** The METAR itself. */
  readonly raw: string
  readonly conditions: string | null
  readonly clouds: string | null
  readonly temperatureC: number | null
  /** Degrees true; null when it is variable or calm. */
  readonly windDirectionDeg: number | null
  readonly windSpeedKt: number | null
  readonly windGustKt: number | null
  readonly visibilitySm: number | null
}

/** Never throws for what a service does: every outcome is a value. Throws only on cancellation. */
export interface AirportDataProvider {
  readonly id: string
  airport(code: string, signal?: AbortSignal): Promise<ProviderResult<AirportFacts>>
  /** The newest observation; null when the provider has none of this airport. */
  weather(code: string, signal?: AbortSignal): Promise<ProviderResult<WeatherObservation | null>>
}
