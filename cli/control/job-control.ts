/** What the switching commands share: instants, and the parts that they work over. */
import { InvalidArgumentError } from 'commander'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { createControlStore } from '../../db/stores/control-store.ts'
import { createScheduleWatchStore } from '../../db/stores/schedule-watch-store.ts'
import { instantFromMs, parseInstant, type Instant } from '../../domain/time.ts'
import { ControlError, type ControlDeps } from '../../operations/control-jobs.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { createJobControl } from '../../platform/temporal/job-control.ts'
import { createScheduleStates } from '../../platform/temporal/schedule-states.ts'
import { createWatchedSchedules } from '../../platform/temporal/watched-schedules.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { connectTemporal } from '../temporal-access.ts'

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
      watched: createWatchedSchedules(client, config.jobTerms),
      watchStore: createScheduleWatchStore(db),
      clock: createVirtualClock(createClockStore(db)),
      wallNow: () => instantFromMs(Date.now()),
    })
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    throw new CliError(`${error.field}: ${error.message}`, EXIT.usage, { cause: error })
  }
}
