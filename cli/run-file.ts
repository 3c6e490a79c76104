/**
 * `<home>/run.json`: where everything of the running instance is, so that other commands find it.
 * Holds the database password, so it is readable by its owner alone.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { processStartTime } from '../platform/embedded/process.ts'

export type RunFile = {
  readonly pid: number
  /** Tells the process from a later one with the same id. */
  readonly startTime: string | null
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly temporalNamespace: string
  /** Null when Temporal is not ours. */
  readonly temporalUiUrl: string | null
  readonly apiUrl: string
  readonly metricsUrl: string
  readonly flightsUrl: string
  readonly paymentsUrl: string
  /** The local mail server; null when mail really leaves, or no mail is sent. */
  readonly mail: {
    readonly url: string
    readonly smtpUrl: string
    readonly operators: string
  } | null
  readonly aeroapiKey: string
  readonly stripeApiKey: string
  /** The ring that payloads are encrypted with; null when it is given otherwise, or not at all. */
  readonly payloadKeysFile: string | null
  /** Whether jobs are scheduled, and which; null: all. */
  readonly scheduler: { readonly isEnabled: boolean; readonly jobs: readonly string[] | null }
}

/** The addresses of the instance that runs in a home; null when none does. */
export async function readRunFile(home: string): Promise<RunFile | null> {
  const text = await readFile(pathOf(home), 'utf8').catch(() => null)
  if (text === null) return null // never started, or stopped in order
  let run: RunFile
  try {
    run = JSON.parse(text) as RunFile // written by this module
  } catch {
    // Torn by a crash of the machine: as good as none.
    return null
  }
  const startTime = processStartTime(run.pid)
  return startTime !== null && startTime === run.startTime ? run : null
}

/** Writes the file whole or not at all. */
export async function writeRunFile(home: string, run: RunFile): Promise<void> {
  const path = pathOf(home)
  await writeFile(`${path}.new`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** Removes the file: nothing runs any more. */
export async function removeRunFile(home: string): Promise<void> {
  await rm(pathOf(home), { force: true })
}

/** The instance's addresses as the variables that `loadConfig` reads. */
export function runningEnvironment(run: RunFile): Record<string, string> {
  return {
    DATABASE_URL: run.databaseUrl,
    TEMPORAL_ADDRESS: run.temporalAddress,
    TEMPORAL_NAMESPACE: run.temporalNamespace,
    AEROAPI_URL: run.flightsUrl,
    AEROAPI_KEY: run.aeroapiKey,
    STRIPE_API_URL: run.paymentsUrl,
    STRIPE_API_KEY: run.stripeApiKey,
    SCHEDULER_ENABLED: String(run.scheduler.isEnabled),
    ...(run.scheduler.jobs === null ? {} : { SCHEDULER_JOBS: run.scheduler.jobs.join(',') }),
    API_PORT: new URL(run.apiUrl).port,
    METRICS_PORT: new URL(run.metricsUrl).port,
    ...mailEnvironment(run.mail),
    ...(run.payloadKeysFile === null ? {} : { PAYLOAD_KEYS_FILE: run.payloadKeysFile }),
  }
}

/** The domain is reserved for examples: nothing answers a reply. */
const LOCAL_SENDER = 'Groundstop <notices@groundstop.example>'

function mailEnvironment(mail: RunFile['mail']): Record<string, string> {
  if (mail === null) return {}
  return {
    SMTP_URL: mail.smtpUrl,
    NOTIFY_FROM: LOCAL_SENDER,
    NOTIFY_OPERATORS_EMAIL: mail.operators,
  }
}

function pathOf(home: string): string {
  return join(home, 'run.json')
}
