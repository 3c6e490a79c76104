/** `groundstop schedules list|show|history`: how recurring jobs do. */
import { Option, type Command } from 'commander'

import { createRunReads } from '../../db/stores/run-reads.ts'
import { createScheduleWatchStore } from '../../db/stores/schedule-watch-store.ts'
import type { ListedRun, RunFilter } from '../../domain/ports/run-store.ts'
import { RUN_STATES } from '../../domain/run.ts'
import { JOB_TRIGGERS } from '../../jobs/run-identity.ts'
import {
  findScheduledJob,
  readSchedule,
  readSchedules,
  type ReadSchedulesDeps,
  type ScheduleStatus,
} from '../../operations/read-schedules.ts'
import { createScheduleStates } from '../../platform/temporal/schedule-states.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'
import { connectTemporal } from '../temporal-access.ts'
import { searchText } from '../text-arguments.ts'
import { addPageOptions, addReadOptions, pageLines, printRead, type PageFlags } from './reading.ts'

type HistoryFlags = PageFlags & Pick<RunFilter, 'status' | 'trigger' | 'errorType' | 'workflowId'>

/** Adds `list`, `show` and `history` to `schedules`. */
export function addScheduleReads(schedules: Command, context: CliContext): void {
  addReadOptions(schedules.command('list'))
    .description('recurring jobs: last run, totals, next run')
    .action(({ json }: { json: boolean }) =>
      printStatus(context, async (deps) => {
        const all = await readSchedules(deps)
        return json ? JSON.stringify({ schedules: all }) : tableOf(all).join('\n')
      }),
    )
  addReadOptions(schedules.command('show'))
    .description('one recurring job')
    .argument('<job>', 'name or type: flight-monitor, FLIGHT_MONITOR')
    .action((name: string, { json }: { json: boolean }) =>
      printStatus(context, async (deps) => {
        const status = await readSchedule(deps, name)
        if (status === null) throw noSuchSchedule(name)
        return json ? JSON.stringify(status) : fieldLines(fieldsOf(status)).join('\n')
      }),
    )
  addPageOptions(schedules.command('history'))
    .description('runs of one recurring job, the newest first')
    .argument('<job>', 'name or type: flight-monitor, FLIGHT_MONITOR')
    .addOption(new Option('--status <status>').choices(RUN_STATES))
    .addOption(new Option('--trigger <trigger>').choices(JOB_TRIGGERS))
    .option('--error-type <type>', 'as DatabaseUnavailable', searchText(64))
    .option('--workflow-id <id>', 'exactly this workflow id', searchText(255))
    .action((name: string, flags: HistoryFlags) => printHistory(context, name, flags))
}

async function printStatus(
  context: CliContext,
  work: (deps: ReadSchedulesDeps) => Promise<string>,
): Promise<void> {
  await using database = await openDatabase(context)
  await using server = await connectTemporal(context, database.config)
  const deps = {
    runReads: createRunReads(database.db),
    scheduleStates: createScheduleStates(server.client),
    watchStore: createScheduleWatchStore(database.db),
  }
  context.stdout.write(`${await work(deps)}\n`)
}

function printHistory(context: CliContext, name: string, flags: HistoryFlags): Promise<void> {
  const job = findScheduledJob(name)
  if (job === undefined) throw noSuchSchedule(name)
  const { status, trigger, errorType, workflowId } = flags
  return printRead(context, flags, {
    what: 'run',
    from: ({ db }) =>
      createRunReads(db).list({ job: job.name, status, trigger, errorType, workflowId }, flags),
    lines: (page) => pageLines(page, runLines),
  })
}

function noSuchSchedule(name: string): CliError {
  return new CliError(`no schedule is called ${name}: \`groundstop schedules list\` shows them`)
}

function tableOf(statuses: readonly ScheduleStatus[]): string[] {
  return tableLines(
    ['schedule', 'enabled', 'last run, UTC', 'status', 'ms', 'runs', 'failed', 'next run, UTC'],
    statuses.map((one) => [
      one.name,
      one.enabled ? 'yes' : 'no',
      timeText(one.lastRun),
      one.lastStatus,
      one.lastDurationMs,
      one.totalRuns,
      one.totalFailures,
      timeText(one.nextRun),
    ]),
  )
}

function fieldsOf(status: ScheduleStatus): [string, string | number | null][] {
  return [
    ['schedule', `${status.name} (${status.type})`],
    ['enabled', status.enabled ? 'yes' : 'no'],
    ['note', status.note],
    ['last run, UTC', timeText(status.lastRun)],
    ['last status', status.lastStatus],
    ['last error', status.lastError],
    ['last duration, ms', status.lastDurationMs],
    ['runs', status.totalRuns],
    ['failures', status.totalFailures],
    ['average duration, ms', status.averageDurationMs],
    ['next run, UTC', timeText(status.nextRun)],
    ['fires of the last day', firesText(status)],
  ]
}

function firesText({ fires }: ScheduleStatus): string | null {
  if (fires === null) return null
  const { missing, double, late, overlap, paused } = fires.gaps
  const gaps = `${missing} missing, ${double} double, ${late} late, ${overlap} skipped, ${paused} paused`
  if (fires.latenessP50Ms === null) return gaps
  return `${gaps}; start after ${fires.latenessP50Ms} ms (p50), ${fires.latenessP99Ms} ms (p99)`
}

function runLines(runs: readonly ListedRun[]): string[] {
  return tableLines(
    ['started, UTC', 'status', 'ms', 'by', 'workflow', 'error'],
    runs.map((run) => [
      timeText(run.startedAt),
      run.state ?? run.status,
      run.durationMs,
      run.trigger,
      run.workflowId,
      run.errorType,
    ]),
  )
}
