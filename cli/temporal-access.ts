/** A Temporal client for commands. */
import type { Config } from '../config/config.ts'
import { connectClient, type OwnedClient } from '../platform/temporal/connection.ts'
import type { CliContext } from './context.ts'
import { openPayloadKeys } from './payload-keys.ts'

/** Connects; `await using` it. Throws TemporalUnavailableError, naming the address, when no server answers. */
export async function connectTemporal(context: CliContext, config: Config): Promise<OwnedClient> {
  const keys = await openPayloadKeys(context.env)
  return connectClient(config.temporal, { env: context.env, keys })
}
