/** What each local provider is started with: typed options, and their command-line form. */
import { parseArgs } from 'node:util'
import { DEFAULT_WEBHOOK_TYPES, type WebhookOptions } from './payments/webhooks.ts'

export type CommonOptions = {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Everything that looks random follows from it. */
  readonly seed: number
  /** An address that answers `GET /api/clock`; null: system time. */
  readonly clockUrl: string | null
  /** Fault switches: JSON text or a file that holds it; null: no faults. */
  readonly faults: string | null
}

export type FlightsSimulatorOptions = CommonOptions & {
  /** Leg packs, plain or gzip; at least one. */
  readonly flights: readonly string[]
}

export type PaymentsSimulatorOptions = CommonOptions & {
  /** The log of money moved; null keeps it in memory only. */
  readonly log: string | null
  /** Where events are told, signed; null: nowhere. */
  readonly webhooks: WebhookOptions | null
}

export type MailSimulatorOptions = Pick<CommonOptions, 'host' | 'port'> & {
  readonly smtpPort: number
  /** Messages kept, 1 to 10,000. */
  readonly keep: number
}

/** The command line is not right; the message names the option. */
export class SimulatorUsageError extends Error {
  override readonly name = 'SimulatorUsageError'
}

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_SEED = 2013

const COMMON = {
  host: { type: 'string', default: DEFAULT_HOST },
  port: { type: 'string', default: '0' },
  seed: { type: 'string', default: String(DEFAULT_SEED) },
  clock: { type: 'string' },
  faults: { type: 'string' },
} as const

/** `--flights FILE...` and the common options. Throws SimulatorUsageError. */
export function parseFlightsOptions(args: readonly string[]): FlightsSimulatorOptions {
  return usage(() => {
    const { values } = parseArgs({
      args: [...args],
      options: { ...COMMON, flights: { type: 'string', multiple: true } },
    })
    const { flights = [] } = values
    if (flights.length === 0) throw new SimulatorUsageError('--flights FILE is missing')
    return { ...common(values), flights }
  })
}

/** `--log FILE`, `--webhook URL` and the common options. Throws SimulatorUsageError. */
export function parsePaymentsOptions(args: readonly string[]): PaymentsSimulatorOptions {
  return usage(() => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...COMMON,
        log: { type: 'string' },
        webhook: { type: 'string' },
        'webhook-secret': { type: 'string' },
        'webhook-types': { type: 'string' },
      },
    })
    const { webhook: url, 'webhook-secret': secret, 'webhook-types': types } = values
    return {
      ...common(values),
      log: values.log ?? null,
      webhooks: webhooksOf({ url, secret, types }),
    }
  })
}

function webhooksOf(values: {
  readonly url: string | undefined
  readonly secret: string | undefined
  readonly types: string | undefined
}): WebhookOptions | null {
  const { url, secret, types } = values
  if (url === undefined) return null
  if (!URL.canParse(url)) throw new SimulatorUsageError(`--webhook is not a URL: ${url}`)
  if (secret === undefined) throw new SimulatorUsageError('--webhook-secret TEXT is missing')
  return { url, secret, types: types?.split(',') ?? DEFAULT_WEBHOOK_TYPES }
}

/** `--smtp-port`, `--keep`, `--host` and `--port`. Throws SimulatorUsageError. */
export function parseMailOptions(args: readonly string[]): MailSimulatorOptions {
  return usage(() => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        host: COMMON.host,
        port: COMMON.port,
        'smtp-port': { type: 'string', default: '0' },
        keep: { type: 'string', default: '500' },
      },
    })
    return {
      host: values.host,
      port: integer('--port', values.port, 65_535),
      smtpPort: integer('--smtp-port', values['smtp-port'], 65_535),
      keep: Math.max(1, integer('--keep', values.keep, 10_000)),
    }
  })
}

type CommonValues = { host: string; port: string; seed: string; clock?: string; faults?: string }

function common(values: CommonValues): CommonOptions {
  if (values.clock !== undefined && !URL.canParse(values.clock)) {
    throw new SimulatorUsageError(`--clock is not a URL: ${values.clock}`)
  }
  return {
    host: values.host,
    port: integer('--port', values.port, 65_535),
    seed: integer('--seed', values.seed, Number.MAX_SAFE_INTEGER),
    clockUrl: values.clock ?? null,
    faults: values.faults ?? null,
  }
}

function integer(option: string, text: string, largest: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > largest) {
    throw new SimulatorUsageError(`${option} is not an integer from 0 to ${largest}: ${text}`)
  }
  return value
}

/** `parseArgs` throws TypeErrors for unknown options: to people they are usage errors too. */
function usage<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof TypeError) throw new SimulatorUsageError(error.message)
    throw error
  }
}
