/**
 * Connections to the Temporal server: the product's configuration over the standard environment
 * (`TEMPORAL_*`) and TOML profile, so that TLS and API keys are set as everywhere else.
 */
import { Client, Connection } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'

import type { Logger } from '../logger.ts'

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
  options: { readonly env: NodeJS.ProcessEnv; readonly logger?: Logger },
): Promise<OwnedClient> {
  const connection = await connect(temporal, options.env)
  const client = new Client({ connection, namespace: temporal.namespace })
  return { client, [Symbol.asyncDispose]: () => connection.close() }
}

async function connect(temporal: TemporalAddress, env: NodeJS.ProcessEnv): Promise<Connection> {
  const { address, tls, metadata, apiKey } = connectionOptions(temporal, env)
  try {
    return await Connection.connect({
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...(address === undefined ? {} : { address }),
      ...(tls === undefined ? {} : { tls }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(apiKey === undefined ? {} : { apiKey }),
    })
  } catch (error) {
    throw new TemporalUnavailableError(`no Temporal server answers at ${temporal.address}`, {
      cause: error,
    })
  }
}
