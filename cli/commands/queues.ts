/** `groundstop queues`: which are paused or limited, and by whom. */
import { Argument, InvalidArgumentError, type Command } from 'commander'

import type { JobQueue } from '../../jobs/define-job.ts'
import { allJobs } from '../../jobs/registry.ts'
import { switchQueue } from '../../operations/control-jobs.ts'
import {
  LIMIT_LEAST_PER_S,
  LIMIT_MOST_PER_S,
  limitQueue,
  readQueueControl,
} from '../../operations/limit-queues.ts'
import type { CliContext } from '../context.ts'
import { withControl } from '../control/job-control.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import { tableLines, timeText } from '../screen/table.ts'

const QUEUES = [...new Set(allJobs().map((job) => job.queue))]

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const queues = program.command('queues').description('queues of jobs, and their pauses')
  queues
    .command('list')
    .description('queues, and whether steps of their runs begin')
    .option('--json', 'print one JSON object', false)
    .action(({ json }: { json: boolean }) => list(context, json))
  for (const action of ['pause', 'resume'] as const) {
    addNoteOptions(queues.command(action))
      .description(
        action === 'pause' ? 'let no step of its runs begin' : 'let steps of its runs begin again',
      )
      .addArgument(new Argument('<queue>').choices(QUEUES))
      .action(async (queue: JobQueue, flags: NoteFlags) => {
        const note = noteOf(flags)
        await withControl(context, (deps) => switchQueue(deps, queue, action === 'pause', note))
        context.stdout.write(`${queue} is ${action}d\n`)
      })
  }
  addNoteOptions(queues.command('limit'))
    .description('how many steps of its runs begin a second, over all workers; `off` lifts it')
    .addArgument(new Argument('<queue>').choices(QUEUES))
    .argument('<per-second>', `${LIMIT_LEAST_PER_S} to ${LIMIT_MOST_PER_S}, or off`, parseLimit)
    .action(async (queue: JobQueue, perSecond: number | null, flags: NoteFlags) => {
      const note = noteOf(flags)
      await withControl(context, (deps) => limitQueue(deps, queue, perSecond, note))
      const limit = perSecond === null ? 'not limited' : `limited to ${perSecond} steps a second`
      context.stdout.write(`${queue} is ${limit}\n`)
    })
}

function parseLimit(text: string): number | null {
  if (text === 'off') return null
  const perSecond = Number(text)
  if (perSecond >= LIMIT_LEAST_PER_S && perSecond <= LIMIT_MOST_PER_S) return perSecond
  throw new InvalidArgumentError(`${LIMIT_LEAST_PER_S} to ${LIMIT_MOST_PER_S}, or off`)
}

async function list(context: CliContext, isJson: boolean): Promise<void> {
  const queues = await withControl(context, (deps) =>
    Promise.all(QUEUES.map(async (name) => ({ name, ...(await readQueueControl(deps, name)) }))),
  )
  const lines = tableLines(
    ['queue', 'state', 'steps a second', 'since, UTC', 'why'],
    queues.map(({ name, pause, limit }) => [
      name,
      pause === null ? 'runs' : 'paused',
      limit?.perSecond ?? null,
      timeText((pause ?? limit)?.since ?? null),
      (pause ?? limit)?.reason ?? null,
    ]),
  )
  context.stdout.write(isJson ? `${JSON.stringify({ queues })}\n` : `${lines.join('\n')}\n`)
}
