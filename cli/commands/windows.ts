/** `groundstop windows`: schedules paused together, until a time at which they go on by themselves. */
import { Option, type Command } from 'commander'

import type { Instant } from '../../domain/time.ts'
import type { JobQueue } from '../../jobs/define-job.ts'
import { allJobs } from '../../jobs/registry.ts'
import { closeWindow, openWindow } from '../../operations/control-jobs.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { instantOf, withControl } from '../control/job-control.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { uuid } from '../text-arguments.ts'

const WINDOWS_SHOWN = 100

type OpenFlags = NoteFlags & {
  readonly until: Instant
  readonly owner?: string
  readonly queue?: JobQueue
  readonly job?: string[]
}

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const windows = program.command('windows').description('maintenance windows of schedules')
  windows
    .command('list')
    .description('windows that are open')
    .action(() => list(context))
  addNoteOptions(windows.command('open'))
    .description('pause schedules until a time; name an owner, a queue or jobs')
    .requiredOption('--until <instant>', 'when they go on by themselves', instantOf)
    .addOption(new Option('--owner <owner>').choices(distinct((job) => job.owner)))
    .addOption(new Option('--queue <queue>').choices(distinct((job) => job.queue)))
    .option('--job <job...>', 'by name')
    .action((flags: OpenFlags) => open(context, flags))
  addNoteOptions(windows.command('close'))
    .description('end one before its time')
    .argument('<window>', 'its id', uuid)
    .action(async (id: string, flags: NoteFlags) => {
      const closed = await withControl(context, (deps) => closeWindow(deps, id, noteOf(flags)))
      context.stdout.write(`${closed.scheduleIds.join(', ')} go on\n`)
    })
}

type AnyJob = ReturnType<typeof allJobs>[number]

function distinct(of: (job: AnyJob) => string): string[] {
  return [...new Set(allJobs().map(of))]
}

async function open(context: CliContext, flags: OpenFlags): Promise<void> {
  const { until, owner, queue, job: jobs } = flags
  if (owner === undefined && queue === undefined && jobs === undefined) {
    throw new CliError('name --owner, --queue or --job', EXIT.usage)
  }
  const request = { ...noteOf(flags), until }
  const opened = await withControl(context, (deps) =>
    openWindow(deps, { owner, queue, jobs }, request),
  )
  const { windowId, scheduleIds, untilAt } = opened
  context.stdout.write(`${windowId}: ${scheduleIds.join(', ')} are paused until ${untilAt}\n`)
}

async function list(context: CliContext): Promise<void> {
  const windows = await withControl(context, ({ controlStore }) =>
    controlStore.listWindows(WINDOWS_SHOWN),
  )
  const lines = tableLines(
    ['window', 'until, UTC', 'by', 'why', 'schedules'],
    windows.map((one) => [
      one.windowId,
      timeText(one.untilAt),
      one.openedBy,
      one.reason,
      one.scheduleIds.join(', '),
    ]),
  )
  context.stdout.write(`${lines.join('\n')}\n`)
}
