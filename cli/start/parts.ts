/** The instance's child processes: worker, API and local providers, with their command lines. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Secrets } from '../../config/config.ts'
import { choosePort } from '../../platform/embedded/ports.ts'
import type { RunFile } from '../run-file.ts'
import { runningEnvironment } from '../run-file.ts'
import type { Part } from './child-process.ts'
import { startPart } from './child-process.ts'
import type { Home } from './home.ts'
import type { StartPlan } from './plan.ts'

const READY_TIMEOUT_MS = 60_000
const READY_POLL_MS = 100
/** The line with which the worker says that it polls its queues. */
const WORKER_READY = '"ready":true'
// All stops together must end within 30 s; the worker has the most to finish.
const WORKER_STOP_MS = 15_000
/** Four seconds less are left for steps that do not hear that they are to stop. */
const WORKER_GRACE_MS = 10_000
/**
 * What a worker keeps alive is under 150 MB. Without these limits collector and allocator put their work
 * off: a storm of 10,000 payouts then peaks at 530 MB resident and more, with them at 420 MB.
 */
export const WORKER_MEMORY = {
  NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=4',
  // Memory pools of the C library; by default it keeps eight for each processor.
  MALLOC_ARENA_MAX: '2',
} as const
const OTHER_STOP_MS = 2_000

export type PartsRequest = {
  readonly plan: StartPlan
  readonly home: Home
  readonly env: NodeJS.ProcessEnv
  readonly secrets: Pick<Secrets, 'stripeWebhookSecrets'>
  readonly run: RunFile
  readonly flights: readonly string[]
  /** Where the local providers read the time. */
  readonly clockUrl: string
  readonly onNote: (text: string) => void
}

export interface Parts {
  /** Rejects with PartFailedError once one of them was given up. */
  readonly failed: Promise<never>
  /** Resolves when the API and the local providers answer. Rejects when that takes too long. */
  untilServing(signal: AbortSignal): Promise<void>
  /** Resolves when the worker takes tasks. Rejects when that takes too long. */
  untilWorking(signal: AbortSignal): Promise<void>
  /** The worker first, then the API, then the providers. Safe to repeat. */
  stop(): Promise<void>
  kill(): void
}

/** Starts all of them at once. */
export async function startParts(request: PartsRequest): Promise<Parts> {
  const { plan, run } = request
  const worker = await start(request, 'worker', ['worker'], {
    // The API has the configured metrics port; the worker takes the next free one.
    METRICS_PORT: String(await workerMetricsPort(run)),
    WORKER_SHUTDOWN_GRACE_MS: request.env['WORKER_SHUTDOWN_GRACE_MS'] ?? String(WORKER_GRACE_MS),
    // The local provider speaks both dialects: flights of 2013 are not asked of the real service.
    ...(plan.hasLocalSecondSource ? { AVIATIONSTACK_URL: `${run.flightsUrl}/v1` } : {}),
    ...WORKER_MEMORY,
    NODE_OPTIONS: `${WORKER_MEMORY.NODE_OPTIONS} ${request.env['NODE_OPTIONS'] ?? ''}`.trim(),
  })
  const api = await start(request, 'api', ['api'], {
    ...webhookVariable(request),
    ...codecOrigins(request),
  })
  const providers: Part[] = []
  if (plan.runsFlights) {
    providers.push(await start(request, 'flights', flightsArgs(request)))
  }
  if (plan.runsPayments) {
    providers.push(await start(request, 'payments', paymentsArgs(request)))
  }
  if (run.mail !== null) {
    providers.push(await start(request, 'mail', mailArgs(run.mail)))
  }
  const all = [worker, api, ...providers]
  return {
    failed: Promise.race(all.map((part) => part.failed)),
    untilServing: async (signal) => {
      const urls = [`${run.apiUrl}/health/live`]
      if (plan.runsFlights) urls.push(run.flightsUrl)
      if (plan.runsPayments) urls.push(run.paymentsUrl)
      if (run.mail !== null) urls.push(run.mail.url)
      await Promise.all(
        urls.map((url) => until(`nothing answers at ${url}`, () => isAnswering(url), signal)),
      )
    },
    untilWorking: async (signal) =>
      until('the worker takes no tasks', () => worker.hasLogged(WORKER_READY), signal),
    async stop() {
      await worker.stop(WORKER_STOP_MS)
      await api.stop(OTHER_STOP_MS)
      await Promise.all(providers.map((part) => part.stop(OTHER_STOP_MS)))
    },
    kill() {
      for (const part of all) part.kill()
    },
  }
}

async function start(
  request: PartsRequest,
  name: string,
  args: readonly string[],
  extra: Readonly<Record<string, string>> = {},
): Promise<Part> {
  const { logs } = request.home
  const logFile = join(logs, `${name}.log`)
  // They write their logs themselves; what else they say, and how they end, is beside it.
  const isOwnWriter = name === 'worker' || name === 'api'
  return startPart({
    name,
    args,
    env: {
      ...request.env,
      ...runningEnvironment(request.run),
      GROUNDSTOP_HOME: request.home.folder,
      ...(isOwnWriter ? { LOG_FILE: logFile } : {}),
      ...extra,
    },
    logFile,
    ...(isOwnWriter ? { outFile: join(logs, `${name}.out.log`) } : {}),
    onNote: request.onNote,
  })
}

function flightsArgs({ run, flights, clockUrl }: PartsRequest): string[] {
  const files = flights.flatMap((file) => ['--flights', file])
  return ['simulator', 'flights', ...common(run.flightsUrl, clockUrl), ...files]
}

/** The command line of the local payment server, which signs its webhooks with the newest secret. */
export function paymentsArgs(
  request: Pick<PartsRequest, 'run' | 'home' | 'clockUrl' | 'secrets'>,
): string[] {
  const { run, home, clockUrl } = request
  const log = ['--log', home.paymentsLog]
  const webhook = ['--webhook', `${run.apiUrl}/api/webhooks/stripe`]
  const [newest = ''] = webhookSecrets(request)
  const secret = ['--webhook-secret', newest]
  return [
    'simulator',
    'payments',
    ...common(run.paymentsUrl, clockUrl),
    ...log,
    ...webhook,
    ...secret,
  ]
}

/** The Web UI of this machine may have payloads opened, by either of its names. */
function codecOrigins({ env, run }: PartsRequest): Record<string, string> {
  if ((env['CODEC_ORIGINS'] ?? '') !== '' || run.temporalUiUrl === null) return {}
  const { origin, port } = new URL(run.temporalUiUrl)
  return { CODEC_ORIGINS: `${origin},http://localhost:${port}` }
}

/** What the API takes webhooks with; nothing is added for a payment server that is not ours. */
export function webhookVariable(
  request: Pick<PartsRequest, 'plan' | 'secrets'>,
): Record<string, string> {
  if (!request.plan.runsPayments) return {}
  return { STRIPE_WEBHOOK_SECRET: webhookSecrets(request).join(',') }
}

/** As the configuration has read them, the newest first; the local server serves only this machine. */
function webhookSecrets({ secrets }: Pick<PartsRequest, 'secrets'>): readonly string[] {
  return secrets.stripeWebhookSecrets ?? ['whsec_local']
}

function mailArgs({ url, smtpUrl }: NonNullable<RunFile['mail']>): string[] {
  const { port } = new URL(url)
  return ['simulator', 'mail', '--port', port, '--smtp-port', new URL(smtpUrl).port]
}

function common(url: string, clockUrl: string): string[] {
  return ['--port', new URL(url).port, '--clock', clockUrl]
}

async function workerMetricsPort(run: RunFile): Promise<number> {
  const port = Number(new URL(run.metricsUrl).port) + 1
  return choosePort({ what: "the worker's metrics", port, setting: '', isExplicit: false })
}

async function until(
  complaint: string,
  isSo: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) {
      throw new Error(`${complaint} after ${READY_TIMEOUT_MS / 1_000} s`)
    }
    await sleep(READY_POLL_MS, undefined, { signal })
  }
}

/** Any answer shows that it listens; what it says is not asked here. */
async function isAnswering(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null)
  await response?.body?.cancel()
  return response !== null
}
