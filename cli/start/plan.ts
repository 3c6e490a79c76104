/**
 * Decides what `start` runs itself and what it only connects to, from settings and options. Pure: it
 * opens and starts nothing.
 */
import type { Config, Secrets } from '../../config/config.ts'
import { isOfficialAeroApi } from '../../config/config.ts'
import type { Instant } from '../../domain/time.ts'
import { parseInstant } from '../../domain/time.ts'
import { CliError, EXIT } from '../cli-error.ts'
import { DEMO } from '../demo/demo-book.ts'

export type StartOptions = {
  readonly speed: number | null
  readonly clockStart: Instant | null
  /** Leg packs for the local flight-data provider; empty: the pack that ships with the product. */
  readonly flights: readonly string[]
  /** Books to import; empty: the demo's, unless other flights or services are used. */
  readonly policies: readonly string[]
  readonly fresh: boolean
}

export type StartPlan = {
  readonly runsPostgres: boolean
  readonly runsTemporal: boolean
  readonly runsFlights: boolean
  /** The local flight-data provider is the second source too. */
  readonly hasLocalSecondSource: boolean
  readonly runsPayments: boolean
  /** Mail about local flights stays on this machine. */
  readonly runsMail: boolean
  /** Bound on the first start only. */
  readonly bindsDemoBook: boolean
  /** Null: the product runs on wall time. */
  readonly clock: {
    /** Null when nothing names one: where the book's departures begin. */
    readonly start: Instant | null
    readonly speed: number
    /** Asked for by name, so an existing clock is moved there. */
    readonly isStartExplicit: boolean
    readonly isSpeedExplicit: boolean
  } | null
}

/** The plan. Throws CliError for combinations that would pay real money for the demo. */
export function planStart(
  options: StartOptions,
  env: NodeJS.ProcessEnv,
  config: Config,
  secrets: Secrets,
): StartPlan {
  const isSet = (name: string): boolean => (env[name]?.trim() ?? '') !== ''
  const runsFlights = !isSet('AEROAPI_URL') && secrets.aeroapiKey === null
  const runsPayments = !isSet('STRIPE_API_URL') && secrets.stripeApiKey === null
  if (runsFlights && secrets.stripeApiKey?.startsWith('sk_live_') === true) {
    throw new CliError(
      'STRIPE_API_KEY is a live key, but the flights are local ones of 2013: that would pay real ' +
        'money for them. Use a test key, or set AEROAPI_KEY for real flights',
      EXIT.config,
    )
  }
  if (!runsFlights && options.flights.length > 0) {
    throw new CliError(
      '--flights is for the local flight-data provider, and AEROAPI_URL or AEROAPI_KEY names another',
      EXIT.usage,
    )
  }
  return {
    runsPostgres: secrets.databaseUrl === null,
    runsTemporal: !isSet('TEMPORAL_ADDRESS'),
    runsFlights,
    hasLocalSecondSource:
      runsFlights && secrets.aviationstackKey !== null && !isSet('AVIATIONSTACK_URL'),
    runsPayments,
    runsMail: runsFlights && secrets.notify.smtpUrl === null,
    bindsDemoBook: runsFlights && options.flights.length === 0 && options.policies.length === 0,
    clock: planClock(options, config, !runsFlights && isOfficialAeroApi(config.aeroapi.url)),
  }
}

/** The vendor's own flights happen now; every other source is taken to follow our clock. */
function planClock(
  options: StartOptions,
  { clock }: Config,
  isRealWorld: boolean,
): StartPlan['clock'] {
  const start = options.clockStart ?? (clock.start === null ? null : parseInstant(clock.start))
  const speed = options.speed ?? clock.speed
  if (isRealWorld && start === null && speed === null) return null
  return {
    start: start ?? (options.policies.length > 0 ? null : parseInstant(DEMO.clockStart)),
    speed: speed ?? DEMO.speed,
    isStartExplicit: options.clockStart !== null,
    isSpeedExplicit: speed !== null,
  }
}
