/**
 * The whole API over real parts: a database and a Temporal namespace of its own, and the local
 * flight-data server over real flights, on a clock that stands still.
 */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'

import { Client, Connection } from '@temporalio/client'

import { startApi, type RunningApi } from '../../api/main.ts'
import type { LivePace } from '../../api/trpc/live.ts'
import { loadConfig } from '../../config/config.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import type { LegIdentity } from '../../domain/leg.ts'
import { packLegIdentity } from '../../domain/leg-pack.ts'
import { DAY_MS, parseInstant, toMs, type Instant } from '../../domain/time.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { createLogger, type Logger } from '../../platform/logger.ts'
import { ensureSearchAttributes } from '../../platform/temporal/search-attributes.ts'
import { createFlightFaults } from '../../simulator/flights/flight-faults.ts'
import { createFlightIndex } from '../../simulator/flights/flight-index.ts'
import { startFlightServer } from '../../simulator/flights/flight-server.ts'
import { readLegPacks } from '../../simulator/flights/read-leg-packs.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { services } from '../support/services.ts'

/** The day before the blizzard: its legs are in the timetable and have not left. */
export const RIG_NOW: Instant = parseInstant('2013-02-07T12:00:00Z')

const PACK = fileURLToPath(new URL('../../data/nyc2013-h1.legs.txt.gz', import.meta.url))
const SEED = 1

export type Answer = {
  readonly status: number
  readonly headers: Headers
  /** The parsed body; its text when it is not JSON. */
  readonly body: unknown
}

export type Ask = (method: string, path: string, options?: AskOptions) => Promise<Answer>

export type AskOptions = {
  /** Sent as JSON unless it is text. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export type ApiRig = AsyncDisposable & {
  readonly api: RunningApi
  readonly ask: Ask
  readonly database: TestDatabase
  readonly client: Client
  readonly namespace: string
  /** Log lines of the API, one object each. */
  readonly logLines: readonly Record<string, unknown>[]
  /** Identities of real legs that leave on 8 February 2013; none without flights. */
  readonly legs: readonly LegIdentity[]
  /** Where the flight-data server answers; nothing does without flights. */
  readonly flightsUrl: string
  /** The flight-data server's switches. */
  readonly flightFaults: ReturnType<typeof createFlightFaults>
}

export type ApiRigOptions = {
  readonly token?: string
  readonly host?: string
  /** More of the API's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the API looks for Temporal; the run's server when left out. */
  readonly temporalAddress?: string
  /** Where the API looks for its database. */
  readonly databaseUrl?: string
  /** Without it no webhook is taken. */
  readonly webhookSecret?: string
  /** False leaves out what policies need. */
  readonly withFlights?: boolean
  /** How fast live subscriptions are. */
  readonly livePace?: LivePace
}

/** Sends a request and reads its answer, whatever its status. */
export function asker(url: string): Ask {
  return async (method, path, { body, headers = {} } = {}) => {
    const isText = typeof body === 'string'
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text,
    }
  }
}

/** Starts all parts; dispose of it in `afterAll`. */
export async function createApiRig(options: ApiRigOptions = {}): Promise<ApiRig> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createTestDatabase())
  await createClockStore(database.db).set({ now: RIG_NOW, speed: 0 })
  await ensureProducts({ productStore: createProductStore(database.db) })
  const { client, namespace } = await createNamespace(stack)
  const flightFaults = createFlightFaults(SEED)
  const flights =
    options.withFlights === true ? await startFlights(stack, flightFaults) : NO_FLIGHTS
  const { config, secrets } = loadConfig({
    DATABASE_URL: options.databaseUrl ?? database.url,
    TEMPORAL_ADDRESS: options.temporalAddress ?? services().temporalAddress,
    TEMPORAL_NAMESPACE: namespace,
    AEROAPI_URL: flights.url,
    AEROAPI_KEY: 'test-key',
    API_HOST: options.host ?? '127.0.0.1',
    API_PORT: '0',
    METRICS_PORT: '0',
    ...(options.token === undefined ? {} : { API_TOKEN: options.token }),
    STRIPE_WEBHOOK_SECRET: options.webhookSecret,
    ...options.env,
  })
  const { logger, logLines } = keepLines()
  const live = options.livePace === undefined ? {} : { livePace: options.livePace }
  const api = stack.use(await startApi({ config, secrets, env: {}, logger, ...live }))
  const owned = stack.move()
  return {
    api,
    ask: asker(api.url),
    database,
    client,
    namespace,
    logLines,
    legs: flights.legs,
    flightsUrl: flights.url,
    flightFaults,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type Flights = { readonly url: string; readonly legs: readonly LegIdentity[] }

/** Port 9 discards: nothing answers. */
const NO_FLIGHTS: Flights = { url: 'http://127.0.0.1:9', legs: [] }

function keepLines(): { logger: Logger; logLines: Record<string, unknown>[] } {
  const logLines: Record<string, unknown>[] = []
  const destination = {
    write: (line: string) => void logLines.push(JSON.parse(line) as Record<string, unknown>),
  }
  return { logger: createLogger({ level: 'debug', destination }), logLines }
}

async function createNamespace(stack: AsyncDisposableStack) {
  const connection = await Connection.connect({ address: services().temporalAddress })
  stack.defer(() => connection.close())
  const namespace = `test-${randomUUID()}`
  await connection.workflowService.registerNamespace({
    namespace,
    // The generated type wants a Long; the encoder takes any number.
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  })
  const client = new Client({ connection, namespace })
  await eventually(async () => {
    await ensureSearchAttributes(client)
    await client.workflow.count()
  })
  return { client, namespace }
}

async function startFlights(
  stack: AsyncDisposableStack,
  faults: ReturnType<typeof createFlightFaults>,
): Promise<Flights> {
  const pack = await readLegPacks([PACK])
  const index = createFlightIndex(pack)
  const clock = { now: async () => RIG_NOW }
  const deps = { index, clock, faults, seed: SEED }
  const { url } = stack.use(await startFlightServer(deps, { host: '127.0.0.1', port: 0 }))
  const legs = pack.legs
    .filter((leg) => leg.scheduledOutMs > toMs(RIG_NOW) + DAY_MS)
    .slice(0, 50)
    .map((leg) => packLegIdentity(leg, pack.zones))
    .filter((identity) => identity.originLocalDate === '2013-02-08')
  return { url, legs }
}

/** Repeats an assertion until it holds, for what becomes visible a moment later; at most 20 s. */
export async function eventually<T>(assertion: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + 20_000
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
    }
  }
}
