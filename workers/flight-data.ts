/** The worker's flight and airport data, on the allowances that all processes of a key share. */
import { createAeroAirports } from '../adapters/airports/aeroapi-airports.ts'
import { loadAirportZones } from '../adapters/airports/zones.ts'
import { createAeroApiProvider } from '../adapters/flights/aeroapi.ts'
import { createAviationstackProvider } from '../adapters/flights/aviationstack.ts'
import { createHeldPlan } from '../adapters/flights/held-plan.ts'
import {
  createLeasedAllowance,
  keyIdOf,
  type LeasedAllowance,
} from '../adapters/flights/leased-allowance.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createAllowanceStore } from '../db/stores/allowance-store.ts'
import { createPlanStore } from '../db/stores/plan-store.ts'
import type { AirportDataProvider } from '../domain/ports/airport-data-provider.ts'
import type { AllowanceTerms } from '../domain/ports/call-allowance.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FlightDataProvider } from '../domain/ports/flight-data-provider.ts'
import type { PlanProber } from '../domain/ports/plan-store.ts'
import type { Events } from '../platform/events.ts'
import {
  observeAirportData,
  observeFlightData,
  observePlanProber,
} from '../platform/observed-providers.ts'
import type { ProviderReports } from '../platform/provider-reports.ts'

/** The ways of asking about flights and airports. */
export type FlightServices = AsyncDisposable & {
  readonly flightData: FlightDataProvider
  /** Undefined without its key: then one source decides. */
  readonly secondFlightData: FlightDataProvider | undefined
  readonly airportData: AirportDataProvider
  /** Finds out what the second source's key may ask; undefined without a key. */
  readonly secondPlan: PlanProber | undefined
}

/** What they are built from. */
export type FlightServicesDeps = {
  readonly config: Config
  readonly apiKey: string
  readonly secondApiKey: string | null
  readonly db: Database
  readonly clock: Clock
  readonly events: Events
  /** Told of every call and of the breakers. */
  readonly reports: ProviderReports
}

/** Connects lazily. Dispose of it before the database: what was leased and not used is given back. */
export function createFlightServices(deps: FlightServicesDeps): FlightServices {
  const { apiKey, secondApiKey, clock, reports } = deps
  const { aeroapi, aviationstack } = deps.config
  const stack = new AsyncDisposableStack()
  const airports = loadAirportZones()
  const allowance = stack.use(allowanceOf(deps, 'aeroapi', apiKey, aeroapi))
  const { url: baseUrl, concurrency } = aeroapi
  const first = stack.use(
    createAeroApiProvider({ baseUrl, apiKey, allowance, concurrency, airports, clock }),
  )
  reports.add({ ...first, provider: first.id })
  const airportData = stack.use(createAeroAirports({ baseUrl, apiKey, allowance }))
  const second =
    secondApiKey === null
      ? undefined
      : stack.use(
          createAviationstackProvider({
            baseUrl: aviationstack.url,
            apiKey: secondApiKey,
            allowance: stack.use(allowanceOf(deps, 'aviationstack', secondApiKey, aviationstack)),
            concurrency: aviationstack.concurrency,
            airports,
            clock,
            plan: createHeldPlan({
              provider: 'aviationstack',
              keyId: keyIdOf(secondApiKey),
              store: createPlanStore(deps.db),
            }),
          }),
        )
  if (second !== undefined) {
    reports.add({ ...second, provider: second.id })
  }
  return {
    flightData: observeFlightData(first, reports),
    secondFlightData: second === undefined ? undefined : observeFlightData(second, reports),
    airportData: observeAirportData(airportData, reports),
    secondPlan: second === undefined ? undefined : observePlanProber(second, reports),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function allowanceOf(
  { db, events }: FlightServicesDeps,
  provider: string,
  apiKey: string,
  terms: AllowanceTerms,
): LeasedAllowance {
  return createLeasedAllowance({
    provider,
    keyId: keyIdOf(apiKey),
    store: createAllowanceStore(db),
    terms,
    onNotice: (notice) => events.providerBudgetReached({ provider, ...notice }),
  })
}
