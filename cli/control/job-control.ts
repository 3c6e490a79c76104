/** What the switching commands share: who and why, and the parts that they work over. */
import { userInfo } from 'node:os'

import { InvalidArgumentError, type Command } from 'commander'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { createControlStore } from '../../db/stores/control-store.ts'
import { createScheduleWatchStore } from '../../db/stores/schedule-watch-store.ts'
import { instantFromMs, parseInstant, type Instant } from '../../domain/time.ts'
import { ControlError, type ControlDeps, type ControlNote } from '../../operations/control-jobs.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { createJobControl } from '../../platform/temporal/job-control.ts'
import { createScheduleStates } from '../../platform/temporal/schedule-states.ts'
import { createWatchedSchedules } from '../../platform/temporal/watched-schedules.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { connectTemporal } from '../temporal-access.ts'

/** Longer reasons belong into a document; the API has the same limit. */
const TEXT_LIMIT = 200

/** Options of every switch. */
export type NoteFlags = { readonly reason: string; readonly by?: string }

/** Adds `--reason` and `--by`. */
export function addNoteOptions(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .option('--by <name>', 'who; the user of this machine when left out')
}

/** Who and why. Throws CliError on an empty or overlong text. */
export function noteOf({ reason, by }: NoteFlags): ControlNote {
  return {
    reason: textOf('--reason', reason),
    by: textOf('--by', by ?? `user:${userInfo().username}`),
  }
}

function textOf(option: string, text: string): string {
  const trimmed = text.trim()
  if (trimmed !== '' && trimmed.length <= TEXT_LIMIT) return trimmed
  throw new CliError(`${option} must have 1 to ${TEXT_LIMIT} characters`, EXIT.usage)
}

/** An instant of the command line. */
export function instantOf(text: string): Instant {
  try {
    return parseInstant(text)
  } catch {
    throw new InvalidArgumentError('an instant with an offset, as 2026-03-01T12:00:00Z')
  }
}

/** Runs `work` over the instance's database and server. A ControlError becomes a message. */
export async function withControl<T>(
  context: CliContext,
  work: (deps: ControlDeps) => Promise<T>,
): Promise<T> {
  await using database = await openDatabase(context)
  const { config, db } = database
  await using server = await connectTemporal(context, config)
  const { client } = server
  try {
    return await work({
      control: createJobControl(client),
      controlStore: createControlStore(db),
      scheduleStates: createScheduleStates(client),
      watched: createWatchedSchedules(client),
      watchStore: createScheduleWatchStore(db),
      clock: createVirtualClock(createClockStore(db)),
      wallNow: () => instantFromMs(Date.now()),
    })
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    throw new CliError(`${error.field}: ${error.message}`, EXIT.usage, { cause: error })
  }
}
