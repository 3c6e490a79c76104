/**
 * Connections to the Temporal server: the product's configuration over the standard environment
 * (`TEMPORAL_*`) and TOML profile, so that TLS and API keys are set as everywhere else.
 */
import { Client, Connection, type ConnectionOptions } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'

import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import type { Logger } from '../logger.ts'
import { callInterceptors } from './call-retries.ts'
import { correlationClient } from './correlation-client.ts'
import { payloadConverter } from './payload-codec.ts'
import { tracingClient } from './tracing-client.ts'

/** Where the server is, and in which namespace runs live. */
export type TemporalAddress = { readonly address: string; readonly namespace: string }

/** A client that owns its connection. */
export type OwnedClient = AsyncDisposable & { readonly client: Client }

/** The server did not answer. Retried by whoever started the process. */
export class TemporalUnavailableError extends Error {
  override readonly name = 'TemporalUnavailableError'
}

const CONNECT_TIMEOUT_MS = 10_000

/** Options for `Connection` and for the worker's `NativeConnection`. */
export function connectionOptions(
  temporal: TemporalAddress,
  env: NodeJS.ProcessEnv,
): ReturnType<typeof loadClientConnectConfig>['connectionOptions'] {
  const defined = Object.entries(env).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined
  })
  const { connectionOptions } = loadClientConnectConfig({
    overrideEnvVars: Object.fromEntries(defined),
  })
  return { ...connectionOptions, address: temporal.address }
}

/**
 * Connects a client; dispose of it with `await using`. Throws TemporalUnavailableError, naming the
 * address, when the server does not answer within 10 s.
 */
export async function connectClient(
  temporal: TemporalAddress,
  options: {
    readonly env: NodeJS.ProcessEnv
    readonly logger?: Logger
    /** What payloads are encrypted with; null: not at all. */
    readonly keys: KeyRingSource | null
  },
): Promise<OwnedClient> {
  const connection = await connect(temporal, options.env)
  const client = openClient(connection, temporal, options.keys)
  return { client, [Symbol.asyncDispose]: () => connection.close() }
}

/**
 * A client that connects with its first call and again whenever the server was away: for processes
 * that must serve before the server answers. A call waits `connectTimeoutMs` at most for a connection.
 */
export function lazyClient(
  temporal: TemporalAddress,
  options: {
    readonly env: NodeJS.ProcessEnv
    readonly connectTimeoutMs: number
    /** What payloads are encrypted with; null: not at all. */
    readonly keys: KeyRingSource | null
  },
): OwnedClient {
  const { env, connectTimeoutMs, keys } = options
  const connection = Connection.lazy(clientOptions(temporal, env, connectTimeoutMs))
  const client = openClient(connection, temporal, keys)
  return { client, [Symbol.asyncDispose]: () => connection.close() }
}

/** What every client of ours has: encrypted payloads, and correlation id and trace with what it starts. */
function openClient(
  connection: Connection,
  { namespace }: TemporalAddress,
  keys: KeyRingSource | null,
): Client {
  const dataConverter = payloadConverter(keys)
  const interceptors = { workflow: [correlationClient(), tracingClient()] }
  return new Client({ connection, namespace, dataConverter, interceptors })
}

/** What the client's connection takes of the options, which the worker's has in other words. */
function clientOptions(
  temporal: TemporalAddress,
  env: NodeJS.ProcessEnv,
  connectTimeoutMs: number,
): ConnectionOptions {
  const { address, tls, metadata, apiKey } = connectionOptions(temporal, env)
  return {
    connectTimeout: connectTimeoutMs,
    interceptors: callInterceptors(),
    ...(address === undefined ? {} : { address }),
    ...(tls === undefined ? {} : { tls }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(apiKey === undefined ? {} : { apiKey }),
  }
}

async function connect(temporal: TemporalAddress, env: NodeJS.ProcessEnv): Promise<Connection> {
  try {
    return await Connection.connect(clientOptions(temporal, env, CONNECT_TIMEOUT_MS))
  } catch (error) {
    throw new TemporalUnavailableError(`no Temporal server answers at ${temporal.address}`, {
      cause: error,
    })
  }
}
