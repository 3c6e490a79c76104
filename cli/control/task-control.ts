/** What commands that change tasks share: the parts, the times, and what people read of errors. */
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createTaskStore } from '../../db/stores/task-store.ts'
import { TaskTimingError, type TaskTiming } from '../../domain/task.ts'
import { timingOf } from '../../domain/task-when.ts'
import { instantFromMs, type Instant } from '../../domain/time.ts'
import type { DstRule } from '../../domain/wall-schedule.ts'
import {
  changeTasks,
  TaskError,
  type BulkedTasks,
  type ManageTasksDeps,
} from '../../operations/manage-tasks.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { createTaskSchedules } from '../../platform/temporal/task-schedules.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { connectTemporal } from '../temporal-access.ts'

/** Options that say when. */
export type WhenFlags = {
  readonly at?: Instant
  readonly every?: string
  readonly cron?: string
  readonly zone?: string
  readonly dst?: DstRule
}

/** The timing that the options say. Throws CliError. */
export function timingOfFlags({ at, every, cron, zone, dst }: WhenFlags): TaskTiming {
  const given = [at, every, cron].filter((way) => way !== undefined)
  if (given.length !== 1) throw new CliError('one of --at, --every and --cron', EXIT.usage)
  try {
    return timingOf({ executeAt: at, every, cron, timezone: zone, dst })
  } catch (error) {
    if (!(error instanceof TaskTimingError)) throw error
    throw new CliError(error.message, EXIT.usage, { cause: error })
  }
}

/** Runs `work` over the instance's database and server. A TaskError becomes a message. */
export async function withTasks<T>(
  context: CliContext,
  work: (deps: ManageTasksDeps) => Promise<T>,
): Promise<T> {
  await using database = await openDatabase(context)
  const { config, db } = database
  await using server = await connectTemporal(context, config)
  try {
    return await work({
      taskStore: createTaskStore(db),
      taskSchedules: createTaskSchedules(server.client, config.jobTerms),
      environment: config.environment,
      clock: createVirtualClock(createClockStore(db)),
      wallNow: () => instantFromMs(Date.now()),
    })
  } catch (error) {
    if (!(error instanceof TaskError)) throw error
    throw new CliError(error.message, EXIT.usage, { cause: error })
  }
}

/** Changes tasks of the instance. */
export function actOnTasks(
  context: CliContext,
  request: Parameters<typeof changeTasks>[1],
): Promise<BulkedTasks> {
  return withTasks(context, (deps) => changeTasks(deps, request))
}
