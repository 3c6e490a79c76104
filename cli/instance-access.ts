/** Opens the database of a running instance for commands. */
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createDatabase } from '../db/client.ts'
import { CliError } from './cli-error.ts'
import type { CliContext } from './context.ts'

/**
 * The database of the instance, for a tenant what that tenant's callers see; `await using` it. Throws
 * CliError when there is none.
 */
export async function openDatabase(
  context: CliContext,
  { tenant }: { readonly tenant?: string | undefined } = {},
): Promise<{ config: Config; db: Database } & AsyncDisposable> {
  const { config, secrets } = loadConfig(context.env)
  if (secrets.databaseUrl === null) {
    throw new CliError(
      `no instance runs in ${config.homeDir}: run \`groundstop start\`, or set DATABASE_URL`,
    )
  }
  const whose = tenant === undefined ? {} : { tenant }
  const db = createDatabase(secrets.databaseUrl, {
    max: 4,
    applicationName: 'groundstop',
    ...whose,
  })
  return { config, db, [Symbol.asyncDispose]: () => db.destroy() }
}
