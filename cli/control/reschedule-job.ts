/** `groundstop jobs reschedule`: a run that waits for its time is given another. */
import type { Command } from 'commander'

import { createAuditLog } from '../../db/stores/audit-log.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { AHEAD_AT_MOST_MS } from '../../domain/task.ts'
import { toMs, type Instant } from '../../domain/time.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import {
  findReschedulable,
  NotReschedulableError,
  rescheduleRun,
} from '../../platform/temporal/run-rescheduler.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import { connectTemporal } from '../temporal-access.ts'
import { searchText } from '../text-arguments.ts'
import { instantOf } from './job-control.ts'

type RescheduleFlags = NoteFlags & { readonly at: Instant }

/** Adds `reschedule` to `jobs`. */
export function addJobReschedule(jobs: Command, context: CliContext): void {
  addNoteOptions(jobs.command('reschedule'))
    .description('give a run that waits for its time another')
    .argument('<id>', 'the workflow id', searchText(255))
    .requiredOption('--at <instant>', 'when it is to start; past is now', instantOf)
    .action(async (id: string, flags: RescheduleFlags) => {
      await reschedule(context, id, flags)
      context.stdout.write(`${id} starts at ${flags.at}\n`)
    })
}

async function reschedule(context: CliContext, id: string, flags: RescheduleFlags): Promise<void> {
  const { by, reason } = noteOf(flags)
  if (toMs(flags.at) - Date.now() > AHEAD_AT_MOST_MS) {
    throw new CliError('--at is more than 366 days ahead', EXIT.usage)
  }
  await using database = await openDatabase(context)
  await using server = await connectTemporal(context, database.config)
  const { client } = server
  try {
    const { job, executeAt: before } = await findReschedulable({ client }, id)
    // Noted before it is done, as the API does.
    await createAuditLog(database.db).record({
      at: await createVirtualClock(createClockStore(database.db)).now(),
      ...{ actor: by, action: 'job.reschedule', subject: `job:${job.name}` },
      details: { id, reason, before, after: flags.at },
    })
    await rescheduleRun(
      { client, terms: database.config.jobTerms },
      { workflowId: id, executeAt: flags.at },
    )
  } catch (error) {
    if (!(error instanceof NotReschedulableError)) throw error
    throw new CliError(error.message, EXIT.failed, { cause: error })
  }
}
