/** A Temporal client for commands, with a message for people when no server answers. */
import type { Config } from '../config/config.ts'
import {
  connectClient,
  TemporalUnavailableError,
  type OwnedClient,
} from '../platform/temporal/connection.ts'
import { CliError } from './cli-error.ts'
import type { CliContext } from './context.ts'
import { openPayloadKeys } from './payload-keys.ts'

/** Connects; `await using` it. Throws CliError, naming the address, when no server answers. */
export async function connectTemporal(context: CliContext, config: Config): Promise<OwnedClient> {
  const keys = await openPayloadKeys(context.env)
  try {
    return await connectClient(config.temporal, { env: context.env, keys })
  } catch (error) {
    if (!(error instanceof TemporalUnavailableError)) throw error
    throw new CliError(
      `${error.message}: run \`groundstop start\`, or set TEMPORAL_ADDRESS`,
      undefined,
      { cause: error },
    )
  }
}
