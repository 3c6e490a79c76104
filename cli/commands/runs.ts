/** `groundstop runs rebuild`: the kept runs of jobs. */
import type { Command } from 'commander'

import { createRunStore } from '../../db/stores/run-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { instantFromMs } from '../../domain/time.ts'
import { rebuildRuns } from '../../operations/project-runs.ts'
import { ensureRetention } from '../../platform/temporal/namespace.ts'
import { createRunSource } from '../../platform/temporal/run-source.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { connectTemporal } from '../temporal-access.ts'

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const runs = program.command('runs').description('what is kept of runs for lists and totals')
  runs
    .command('rebuild')
    .description('make it anew from all that the Temporal server knows; lists stay readable')
    .action(() => rebuild(context))
}

async function rebuild(context: CliContext): Promise<void> {
  await using database = await openDatabase(context)
  await using server = await connectTemporal(context, database.config)
  const { listed, removed } = await rebuildRuns(
    {
      runSource: createRunSource(server.client),
      runStore: createRunStore(database.db),
      settingStore: createSettingStore(database.db),
      wallNow: () => instantFromMs(Date.now()),
      serverRetentionDays: await ensureRetention(server.client),
    },
    (count) => context.stderr.write(`${count} runs listed\n`),
  )
  context.stdout.write(`${listed} runs kept, ${removed} removed that the server does not know\n`)
}
