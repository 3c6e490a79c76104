/** `groundstop schedules preview`: what a schedule will do, before it is kept. Needs no server. */
import { InvalidArgumentError, Option, type Command } from 'commander'

import { PREVIEW_AT_MOST, type PreviewLine } from '../../domain/schedule-preview.ts'
import { TaskTimingError } from '../../domain/task.ts'
import { instantFromMs, type Instant } from '../../domain/time.ts'
import { DST_RULES, type DstRule } from '../../domain/wall-schedule.ts'
import { findJob, type AnyJob } from '../../jobs/registry.ts'
import { previewSchedule, type SchedulePreview } from '../../operations/preview-schedule.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { instantOf } from '../control/job-control.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { spreadText } from '../screen/timing.ts'
import { searchText } from '../text-arguments.ts'
import { addReadOptions, type ReadFlags } from './reading.ts'

const COUNT_DEFAULT = 10

type PreviewFlags = ReadFlags & {
  readonly cron?: string
  readonly every?: string
  readonly zone?: string
  readonly dst?: DstRule
  readonly from?: Instant
  readonly count: number
}

/** Adds `preview` to `schedules`. */
export function addSchedulePreview(schedules: Command, context: CliContext): void {
  addReadOptions(schedules.command('preview'))
    .description('the next times of a job, or of a schedule that you think of')
    .argument('[job]', 'name or type: reconciliation, RECONCILIATION')
    .option('--cron <expression>', 'as "30 2 * * *"', searchText(200))
    .option('--every <duration>', 'as "15 minutes"', searchText(40))
    .option('--zone <zone>', 'of --cron, as Europe/Berlin; UTC when left out', searchText(64))
    .addOption(new Option('--dst <rule>', 'what a change of clocks does').choices(DST_RULES))
    .option('--from <instant>', 'from then on; now when left out', instantOf)
    .option('--count <n>', `times, 1 to ${PREVIEW_AT_MOST}`, countOf, COUNT_DEFAULT)
    .action((name: string | undefined, flags: PreviewFlags) => {
      const preview = previewOf(name, flags)
      const text = flags.json ? JSON.stringify(preview) : linesOf(preview).join('\n')
      context.stdout.write(`${text}\n`)
    })
}

function previewOf(name: string | undefined, flags: PreviewFlags): SchedulePreview {
  const { cron, every, zone: timezone, dst, from, count } = flags
  const job = name === undefined ? undefined : jobOf(name)
  const after = from ?? instantFromMs(Date.now())
  try {
    return previewSchedule({ job, when: { cron, every, timezone, dst }, after, count })
  } catch (error) {
    if (!(error instanceof TaskTimingError)) throw error
    throw new CliError(error.message, EXIT.usage, { cause: error })
  }
}

function jobOf(name: string): AnyJob {
  const job = findJob(name)
  if (job !== undefined) return job
  throw new CliError(`no job is called ${name}: \`groundstop jobs types\` shows them`, EXIT.usage)
}

function linesOf({ timezone, dst, spread, lines }: SchedulePreview): string[] {
  const rule = dst === null ? '' : `, changes of clocks: ${dst}`
  const offset = spread === null ? '' : `, ${spreadText(spread)}`
  return [`${timezone}${rule}${offset}`, '', ...tableLines(['UTC', 'wall', ''], lines.map(rowOf))]
}

function rowOf(line: PreviewLine): string[] {
  const at = timeText(line.at) ?? ''
  if (line.kind === 'fire') return [at, wallText(line.wall), line.offset]
  return [at, wallText(line.wallAfter), `clocks change, it was to be ${wallText(line.wallBefore)}`]
}

function wallText(wall: string): string {
  return wall.replace('T', ' ')
}

function countOf(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= PREVIEW_AT_MOST) return count
  throw new InvalidArgumentError(`a whole number from 1 to ${PREVIEW_AT_MOST}`)
}
