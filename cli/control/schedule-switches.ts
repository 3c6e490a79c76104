/** `groundstop schedules enable|disable|backfill`. */
import type { Command } from 'commander'

import type { Instant } from '../../domain/time.ts'
import type { AnyJob } from '../../jobs/registry.ts'
import { backfill, switchSchedule } from '../../operations/control-jobs.ts'
import { findScheduledJob } from '../../operations/read-schedules.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import { instantOf, withControl } from './job-control.ts'

const JOB = 'name or type: flight-monitor, FLIGHT_MONITOR'

type BackfillFlags = NoteFlags & {
  readonly since: Instant
  readonly until: Instant
  readonly dryRun: boolean
}

/** Adds the commands to `schedules`. */
export function addScheduleSwitches(schedules: Command, context: CliContext): void {
  for (const action of ['enable', 'disable'] as const) {
    addNoteOptions(schedules.command(action))
      .description(action === 'enable' ? 'let it fire again' : 'let it not fire until enabled')
      .argument('<job>', JOB)
      .action(async (name: string, flags: NoteFlags) => {
        const job = jobOf(name)
        const isEnabled = action === 'enable'
        await withControl(context, (deps) => switchSchedule(deps, job, isEnabled, noteOf(flags)))
        context.stdout.write(`${job.name} is ${action}d\n`)
      })
  }
  addNoteOptions(schedules.command('backfill'))
    .description('start the runs of a past time that have none')
    .argument('<job>', JOB)
    .requiredOption('--since <instant>', 'first nominal time', instantOf)
    .requiredOption('--until <instant>', 'last nominal time', instantOf)
    .option('--dry-run', 'show what would be started', false)
    .action(async (name: string, flags: BackfillFlags) => {
      const { since, until, dryRun: isDryRun } = flags
      const request = { ...noteOf(flags), since, until, isDryRun }
      const fires = await withControl(context, (deps) => backfill(deps, jobOf(name), request))
      const rows = fires.map((fire) => [timeText(fire.nominalAt), fire.outcome, fire.runId])
      const lines = tableLines(['nominal, UTC', 'outcome', 'run'], rows)
      context.stdout.write(`${lines.join('\n')}\n`)
    })
}

function jobOf(name: string): AnyJob {
  const job = findScheduledJob(name)
  if (job !== undefined) return job
  throw new CliError(`no schedule is called ${name}: \`groundstop schedules list\` shows them`)
}
