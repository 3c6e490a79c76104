/** `groundstop status`: the running instance's addresses and figures, once. */
import type { Command } from 'commander'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { createOverviewStore } from '../../db/stores/overview-store.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { readRunFile } from '../run-file.ts'
import { readFigures } from '../screen/figures.ts'
import { addressLines, figureLines, withoutPassword } from '../screen/lines.ts'
import { connectTemporal } from '../temporal-access.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  program
    .command('status')
    .description('show where the running instance is and what it did')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { json: boolean }) => status(json, context))
}

async function status(isJson: boolean, context: CliContext): Promise<void> {
  await using database = await openDatabase(context)
  const { config, db } = database
  // Figures of the book are worth showing while Temporal is away.
  await using temporal = await connectTemporal(context, config).catch(() => null)
  const figures = await readFigures({
    clockStore: createClockStore(db),
    overviewStore: createOverviewStore(db),
    client: temporal?.client ?? null,
  })
  const run = await readRunFile(config.homeDir)
  if (isJson) {
    const addresses =
      run === null ? null : { ...run, databaseUrl: withoutPassword(run.databaseUrl) }
    const {
      aeroapiKey: _flightsKey,
      stripeApiKey: _paymentsKey,
      ...shown
    } = addresses ?? {
      aeroapiKey: '',
      stripeApiKey: '',
    }
    context.stdout.write(
      `${JSON.stringify({ addresses: run === null ? null : shown, ...figures })}\n`,
    )
    return
  }
  const lines = [...(run === null ? [] : [...addressLines(run), '']), ...figureLines(figures)]
  context.stdout.write(`${lines.join('\n')}\n`)
}
