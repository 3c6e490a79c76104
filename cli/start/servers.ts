/** PostgreSQL and Temporal for one instance: the embedded ones, both at once, or those that are set. */
import { join } from 'node:path'

import type { Config, Secrets } from '../../config/config.ts'
import type { EmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { startEmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { findTemporalProgram, TEMPORAL_CLI } from '../../platform/embedded/temporal-binary.ts'
import type { EmbeddedTemporal } from '../../platform/embedded/temporal-server.ts'
import { startEmbeddedTemporal } from '../../platform/embedded/temporal-server.ts'
import { beginLog } from './begin-log.ts'
import type { Home } from './home.ts'
import type { StartPlan } from './plan.ts'

const RETENTION_DAYS = 30

export type Servers = {
  readonly databaseUrl: string
  readonly temporalAddress: string
  /** Null when it is not ours. */
  readonly temporalUiUrl: string | null
  /** Rejects when an embedded server ended without being asked to. */
  readonly ended: Promise<never>
  /** Temporal first, then PostgreSQL. Safe to repeat. */
  stop(): Promise<void>
  /** Ends them at once; the next start recovers. */
  kill(): void
}

export type ServersRequest = {
  readonly plan: StartPlan
  readonly config: Config
  readonly secrets: Secrets
  readonly home: Home
  readonly env: NodeJS.ProcessEnv
  /** Where the API will be: the Web UI has it open payloads. */
  readonly apiUrl: string
  readonly isPortExplicit: (variable: string) => boolean
  readonly onNote: (text: string) => void
  readonly signal: AbortSignal
}

/** Starts what the plan says. When one fails the other is stopped again and the failure thrown. */
export async function startServers(request: ServersRequest): Promise<Servers> {
  const { config, secrets } = request
  const [postgres, temporal] = await Promise.allSettled([
    request.plan.runsPostgres ? startPostgres(request) : null,
    request.plan.runsTemporal ? startTemporal(request) : null,
  ])
  if (postgres.status === 'rejected' || temporal.status === 'rejected') {
    if (temporal.status === 'fulfilled') await temporal.value?.stop()
    if (postgres.status === 'fulfilled') await postgres.value?.stop()
    throw postgres.status === 'rejected' ? postgres.reason : rejectionOf(temporal)
  }
  return serversOf(postgres.value, temporal.value, {
    databaseUrl: secrets.databaseUrl ?? '',
    temporalAddress: config.temporal.address,
  })
}

function rejectionOf(result: PromiseSettledResult<unknown>): unknown {
  return result.status === 'rejected' ? result.reason : new Error('nothing was rejected')
}

async function startPostgres(request: ServersRequest): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({
    folder: request.home.postgres,
    logFile: join(request.home.logs, 'postgres.log'),
    port: {
      port: request.config.ports.postgres,
      isExplicit: request.isPortExplicit('POSTGRES_PORT'),
    },
    isDurable: true,
  })
  request.onNote(`PostgreSQL ${postgres.version} on port ${postgres.port}`)
  return postgres
}

async function startTemporal(request: ServersRequest): Promise<EmbeddedTemporal> {
  const { config, home } = request
  const program = await findTemporalProgram(TEMPORAL_CLI, {
    env: request.env,
    onProgress: request.onNote,
    fallbackFolder: join(home.folder, 'cache'),
    signal: request.signal,
  })
  const logFile = join(home.logs, 'temporal.log')
  await beginLog(logFile)
  const temporal = await startEmbeddedTemporal({
    program,
    port: {
      port: config.ports.temporal,
      isExplicit: request.isPortExplicit('TEMPORAL_PORT'),
    },
    uiPort: {
      port: config.ports.temporalUi,
      isExplicit: request.isPortExplicit('TEMPORAL_UI_PORT'),
    },
    namespace: config.temporal.namespace,
    databaseFile: home.temporalDatabase,
    logFile,
    // Registered over the API, which also tells when one has another type.
    searchAttributes: {},
    retentionDays: RETENTION_DAYS,
    codecEndpoint: `${request.apiUrl}/api/codec`,
  })
  request.onNote(`Temporal at ${temporal.address}, its Web UI at ${temporal.uiUrl}`)
  return temporal
}

function serversOf(
  postgres: EmbeddedPostgres | null,
  temporal: EmbeddedTemporal | null,
  set: { readonly databaseUrl: string; readonly temporalAddress: string },
): Servers {
  let isStopping = false
  const { promise: ended, reject } = Promise.withResolvers<never>()
  ended.catch(() => undefined) // whoever cares awaits it; nobody has to
  const watch = (what: string, end: Promise<void> | undefined): void => {
    void end?.then(() => {
      if (!isStopping) reject(new Error(`${what} ended unexpectedly`))
    })
  }
  watch(`PostgreSQL (log: ${postgres?.logFile ?? ''})`, postgres?.ended)
  watch('the Temporal server', temporal?.ended)
  return {
    databaseUrl: postgres?.url ?? set.databaseUrl,
    temporalAddress: temporal?.address ?? set.temporalAddress,
    temporalUiUrl: temporal?.uiUrl ?? null,
    ended,
    async stop() {
      isStopping = true
      await temporal?.stop()
      await postgres?.stop()
    },
    kill() {
      isStopping = true
      if (temporal !== null) process.kill(temporal.pid, 'SIGKILL')
      if (postgres !== null) process.kill(postgres.pid, 'SIGQUIT')
    },
  }
}
