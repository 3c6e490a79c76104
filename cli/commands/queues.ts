/** `groundstop queues`: which are paused, and by whom. */
import { Argument, type Command } from 'commander'

import type { JobQueue } from '../../jobs/define-job.ts'
import { allJobs } from '../../jobs/registry.ts'
import { switchQueue } from '../../operations/control-jobs.ts'
import type { CliContext } from '../context.ts'
import { addNoteOptions, noteOf, withControl, type NoteFlags } from '../control/job-control.ts'
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
}

async function list(context: CliContext, isJson: boolean): Promise<void> {
  const queues = await withControl(context, ({ control }) =>
    Promise.all(QUEUES.map(async (name) => ({ name, pause: await control.readQueue(name) }))),
  )
  const lines = tableLines(
    ['queue', 'state', 'since, UTC', 'why'],
    queues.map(({ name, pause }) => [
      name,
      pause === null ? 'runs' : 'paused',
      timeText(pause?.since ?? null),
      pause?.reason ?? null,
    ]),
  )
  context.stdout.write(isJson ? `${JSON.stringify({ queues })}\n` : `${lines.join('\n')}\n`)
}
