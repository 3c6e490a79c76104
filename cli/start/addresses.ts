/** Chooses the ports of an instance's parts and writes down where everything is. */
import type { Config, Secrets } from '../../config/config.ts'
import { isLoopback } from '../../config/config.ts'
import { choosePort, LOOPBACK } from '../../platform/embedded/ports.ts'
import { processStartTime } from '../../platform/embedded/process.ts'
import type { RunFile } from '../run-file.ts'
import type { StartPlan } from './plan.ts'
import type { Servers } from './servers.ts'

/** What the local providers take as credentials: any text, as nobody else reaches them. */
const LOCAL_AEROAPI_KEY = 'local-flights'
const LOCAL_STRIPE_KEY = 'sk_test_local'
const LOCAL_OPERATORS = 'operators@groundstop.example'

export type AddressRequest = {
  readonly plan: StartPlan
  readonly config: Config
  readonly secrets: Secrets
  readonly servers: Servers
  readonly payloadKeysFile: string | null
  /** From `chooseApiUrl`. */
  readonly apiUrl: string
  readonly isPortExplicit: (variable: string) => boolean
  readonly onNote: (text: string) => void
}

/**
 * All addresses of the instance. A default port that is taken gives way to a free one, with a note.
 * Throws PortTakenError for a port that was asked for by name.
 */
export async function chooseAddresses(request: AddressRequest): Promise<RunFile> {
  const { plan, config, secrets, servers } = request
  const metricsPort = await portFor(request, 'metrics', 'METRICS_PORT', config.metrics.port)
  return {
    pid: process.pid,
    startTime: processStartTime(process.pid),
    databaseUrl: servers.databaseUrl,
    temporalAddress: servers.temporalAddress,
    temporalNamespace: config.temporal.namespace,
    temporalUiUrl: servers.temporalUiUrl,
    apiUrl: request.apiUrl,
    metricsUrl: `http://${reachable(config.metrics.host)}:${metricsPort}/metrics`,
    flightsUrl: plan.runsFlights
      ? await localUrl(request, 'flight data', 'FLIGHTS_PORT', config.ports.flights)
      : config.aeroapi.url,
    paymentsUrl: plan.runsPayments
      ? await localUrl(request, 'payments', 'PAYMENTS_PORT', config.ports.payments)
      : config.stripe.url,
    mail: plan.runsMail ? await mailOf(request) : null,
    aeroapiKey: secrets.aeroapiKey ?? LOCAL_AEROAPI_KEY,
    stripeApiKey: secrets.stripeApiKey ?? LOCAL_STRIPE_KEY,
    payloadKeysFile: request.payloadKeysFile,
    scheduler: { ...config.scheduler, isEnabled: config.scheduler.isEnabled ?? true },
  }
}

/** Where the API will listen. Known first, because the Web UI is started with it. */
export async function chooseApiUrl(request: PortRequest): Promise<string> {
  const { host, port } = request.config.api
  return `http://${reachable(host)}:${await portFor(request, 'API', 'API_PORT', port)}`
}

async function mailOf(request: AddressRequest): Promise<RunFile['mail']> {
  const { ports, notify } = request.config
  const url = await localUrl(request, "mail's page", 'MAIL_PORT', ports.mail)
  const smtpPort = await portFor(request, 'mail', 'MAIL_SMTP_PORT', ports.mailSmtp)
  const operators = notify.operatorsEmail ?? LOCAL_OPERATORS
  return { url, smtpUrl: `smtp://${LOOPBACK}:${smtpPort}`, operators }
}

async function localUrl(
  request: AddressRequest,
  what: string,
  variable: string,
  port: number,
): Promise<string> {
  return `http://${LOOPBACK}:${await portFor(request, what, variable, port)}`
}

type PortRequest = Pick<AddressRequest, 'config' | 'isPortExplicit' | 'onNote'>

async function portFor(
  request: PortRequest,
  what: string,
  variable: string,
  wished: number,
): Promise<number> {
  const isExplicit = request.isPortExplicit(variable)
  const port = await choosePort({ what, port: wished, setting: variable, isExplicit })
  if (port !== wished && wished !== 0) {
    request.onNote(`port ${wished} is taken: ${what} on port ${port} instead (${variable} sets it)`)
  }
  return port
}

/** A host to connect to from here: one that listens everywhere is reached over loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::' || isLoopback(host)) return LOOPBACK
  return host.includes(':') ? `[${host}]` : host
}
