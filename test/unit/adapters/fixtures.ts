/** A few made legs, a clock set by hand, and the local providers started on them. */
import { createAeroApiProvider, type AeroApiOptions } from '../../../adapters/flights/aeroapi.ts'
import { createStripePayments, type StripeOptions } from '../../../adapters/payments/stripe.ts'
import type { PackLeg } from '../../../domain/leg-pack.ts'
import { currency, minorUnits } from '../../../domain/money.ts'
import type { Clock } from '../../../domain/ports/clock.ts'
import type { LegReference } from '../../../domain/ports/flight-data-provider.ts'
import type { TransferRequest } from '../../../domain/ports/payment-provider.ts'
import { instantFromMs, MINUTE_MS, parseInstant, parseLocalDate } from '../../../domain/time.ts'
import { createFlightFaults } from '../../../simulator/flights/flight-faults.ts'
import { createFlightIndex } from '../../../simulator/flights/flight-index.ts'
import { startFlightServer } from '../../../simulator/flights/flight-server.ts'
import { startHttpServer, type Handler } from '../../../simulator/http-server.ts'
import { createBook } from '../../../simulator/payments/book.ts'
import { createMemoryLog, type MoneyLog } from '../../../simulator/payments/money-log.ts'
import { createPaymentFaults } from '../../../simulator/payments/payment-faults.ts'
import { startPaymentServer } from '../../../simulator/payments/payment-server.ts'

export const LOOPBACK = { host: '127.0.0.1', port: 0 }
const SEED = 7

export const ZONES = {
  JFK: 'America/New_York',
  PBI: 'America/New_York',
  SFO: 'America/Los_Angeles',
  MCO: 'America/New_York',
}

/** A clock that stands still until it is set. */
export function handClock(text: string): Clock & { set(text: string): void } {
  let now = parseInstant(text)
  return {
    now: async () => now,
    set: (later) => {
      now = parseInstant(later)
    },
  }
}

/** A leg of JetBlue 35 from JFK to PBI; scheduled times are UTC. */
export function leg(overrides: Partial<PackLeg> & { out: string; blockMin?: number }): PackLeg {
  const { out, blockMin = 180, ...rest } = overrides
  const scheduledOutMs = Date.parse(out)
  return {
    carrier: 'B6',
    flightNumber: '35',
    origin: 'JFK',
    destination: 'PBI',
    scheduledOutMs,
    scheduledInMs: scheduledOutMs + blockMin * MINUTE_MS,
    status: 'A',
    departureDelayMin: 10,
    arrivalDelayMin: 20,
    tailNumber: 'N635JB',
    ...rest,
  }
}

/** What is stored of a leg at bind, to ask for its status with. */
export function referenceOf(packLeg: PackLeg, providerIdent = 'JBU35'): LegReference {
  return {
    identity: {
      carrier: packLeg.carrier,
      flightNumber: packLeg.flightNumber,
      origin: packLeg.origin,
      destination: packLeg.destination,
      // Every made leg leaves in daylight, when the date is the same in New York.
      originLocalDate: parseLocalDate(new Date(packLeg.scheduledOutMs).toISOString().slice(0, 10)),
    },
    providerIdent,
    scheduledOut: instantFromMs(packLeg.scheduledOutMs),
    scheduledIn: instantFromMs(packLeg.scheduledInMs),
  }
}

/** The flight server over legs, and the adapter to it. */
export async function startFlights(
  legs: readonly PackLeg[],
  clock: Clock,
  overrides: Partial<AeroApiOptions> = {},
) {
  const faults = createFlightFaults(SEED)
  const index = createFlightIndex({ legs, zones: ZONES })
  const server = await startFlightServer({ index, clock, faults, seed: SEED }, LOOPBACK)
  const provider = aeroApi(`${server.url}/aeroapi`, clock, overrides)
  return {
    url: server.url,
    faults,
    provider,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** The adapter to any server, without a rate that would slow a test down. */
export function aeroApi(baseUrl: string, clock: Clock, overrides: Partial<AeroApiOptions> = {}) {
  return createAeroApiProvider({
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

/** A server that answers as a test says, and remembers what it was asked. */
export async function startScripted(handler: Handler) {
  const asked: { target: string; headers: Record<string, unknown>; body: string }[] = []
  const server = await startHttpServer((request) => {
    const query = request.query.toString()
    const target = query === '' ? request.path : `${request.path}?${query}`
    asked.push({ target, headers: request.headers, body: request.body })
    return handler(request)
  }, LOOPBACK)
  return { url: server.url, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** The payment server, and the adapter to it. */
export async function startPayments(
  options: { clock?: Clock; log?: MoneyLog; stripe?: Partial<StripeOptions> } = {},
) {
  const book = createBook()
  const faults = createPaymentFaults(SEED)
  const clock = options.clock ?? handClock('2013-02-09T12:00:00Z')
  const log = options.log ?? createMemoryLog()
  const server = await startPaymentServer({ book, log, clock, faults }, LOOPBACK)
  const payments = createStripePayments({
    apiKey: 'sk_test_fixture',
    baseUrl: server.url,
    timeoutMs: 2_000,
    ...options.stripe,
  })
  return {
    url: server.url,
    book,
    faults,
    payments,
    async [Symbol.asyncDispose]() {
      await payments[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** A transfer of 300.00 USD for a payout. */
export function transfer(
  payoutId: string,
  overrides: Partial<TransferRequest> = {},
): TransferRequest {
  return {
    amount: { minor: minorUnits(30_000), currency: currency('USD') },
    payeeRef: 'acct_payee1',
    group: payoutId,
    idempotencyKey: `po_${payoutId}_1`,
    metadata: { payout_id: payoutId },
    ...overrides,
  }
}
