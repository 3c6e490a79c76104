/** `groundstop migrate`: brings the database to the newest schema, for deployments. */
import type { Command } from 'commander'

import { ConfigError, loadConfig } from '../../config/config.ts'
import { createDatabase } from '../../db/client.ts'
import { migrate } from '../../db/migrate.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import type { CliContext } from '../context.ts'

/** Adds the command. Prints one line `{"applied": [...], "productsCreated": n}`. */
export function register(program: Command, context: CliContext): void {
  program
    .command('migrate')
    .description(
      'bring the database (DATABASE_URL) to the newest schema; repeating changes nothing',
    )
    .action(() => runMigrate(context))
}

async function runMigrate(context: CliContext): Promise<void> {
  const { databaseUrl } = loadConfig(context.env).secrets
  if (databaseUrl === null) {
    throw new ConfigError([{ variable: 'DATABASE_URL', message: 'must be set' }])
  }
  await using db = createDatabase(databaseUrl, { max: 1, applicationName: 'groundstop migrate' })
  const applied = await migrate(db)
  const { created } = await ensureProducts({ productStore: createProductStore(db) })
  context.stdout.write(`${JSON.stringify({ applied, productsCreated: created })}\n`)
}
