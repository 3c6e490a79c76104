/** The worker's flight and airport data, on the allowance that all processes of the key share. */
import { createAeroAirports } from '../adapters/airports/aeroapi-airports.ts'
import { loadAirportZones } from '../adapters/airports/zones.ts'
import { createAeroApiProvider } from '../adapters/flights/aeroapi.ts'
import { createLeasedAllowance, keyIdOf } from '../adapters/flights/leased-allowance.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createAllowanceStore } from '../db/stores/allowance-store.ts'
import type { AirportDataProvider } from '../domain/ports/airport-data-provider.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FlightDataProvider } from '../domain/ports/flight-data-provider.ts'
import type { Events } from '../platform/events.ts'
import { observeAirportData, observeFlightData } from '../platform/observed-providers.ts'
import type { ProviderReports } from '../platform/provider-reports.ts'

/** The two ways of asking one service. */
export type FlightServices = AsyncDisposable & {
  readonly flightData: FlightDataProvider
  readonly airportData: AirportDataProvider
}

/** What they are built from. */
export type FlightDataDeps = {
  readonly config: Config
  readonly apiKey: string
  readonly db: Database
  readonly clock: Clock
  readonly events: Events
  /** Told of every call and of the breaker. */
  readonly reports: ProviderReports
}

/** Connects lazily. Dispose of it before the database: what was leased and not used is given back. */
export function createFlightServices(deps: FlightDataDeps): FlightServices {
  const { apiKey, clock, db, events, reports } = deps
  const { aeroapi } = deps.config
  const allowance = createLeasedAllowance({
    provider: 'aeroapi',
    keyId: keyIdOf(apiKey),
    store: createAllowanceStore(db),
    terms: aeroapi,
    onNotice: (notice) => events.providerBudgetReached({ provider: 'aeroapi', ...notice }),
  })
  const provider = createAeroApiProvider({
    baseUrl: aeroapi.url,
    apiKey,
    allowance,
    concurrency: aeroapi.concurrency,
    airports: loadAirportZones(),
    clock,
  })
  const airports = createAeroAirports({ baseUrl: aeroapi.url, apiKey, allowance })
  reports.add({ provider: provider.id, breakerState: provider.breakerState })
  return {
    flightData: observeFlightData(provider, reports),
    airportData: observeAirportData(airports, reports),
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]()
      await airports[Symbol.asyncDispose]()
      await allowance[Symbol.asyncDispose]()
    },
  }
}
