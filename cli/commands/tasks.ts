/** `groundstop tasks`: have jobs run at a time, once or again and again; see them, change them, call them off. */
import { randomUUID } from 'node:crypto'

import { InvalidArgumentError, Option, type Command } from 'commander'

import { createTaskStore } from '../../db/stores/task-store.ts'
import type { TaskFilter, TaskRun, TaskStatistics } from '../../domain/ports/task-store.ts'
import { nextTimes, TASK_STATES, TOLERANCE_AT_MOST_MIN, type Task } from '../../domain/task.ts'
import { instantFromMs, type Instant } from '../../domain/time.ts'
import { DST_RULES } from '../../domain/wall-schedule.ts'
import { JOB_PRIORITIES, type JobPriority } from '../../jobs/define-job.ts'
import { findJob, type AnyJob } from '../../jobs/registry.ts'
import { createTask, TASKS_PER_CALL, type TaskAction } from '../../operations/manage-tasks.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { instantOf } from '../control/job-control.ts'
import { actOnTasks, timingOfFlags, withTasks, type WhenFlags } from '../control/task-control.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import {
  addPageOptions,
  addReadOptions,
  pageLines,
  printRead,
  type PageFlags,
  type ReadFlags,
} from '../reads/reading.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'
import { timingText } from '../screen/timing.ts'
import { noteText, searchText, taskTenant, uuid } from '../text-arguments.ts'

const RUNS_SHOWN = 10
const TIMES_SHOWN = 5

type FilterFlags = Pick<TaskFilter, 'tenant' | 'owner' | 'job' | 'state' | 'since' | 'until'>

type CreateFlags = NoteFlags &
  WhenFlags &
  ReadFlags & {
    readonly input: unknown
    readonly owner?: string
    readonly tenant?: string
    readonly priority?: JobPriority
    readonly tolerance?: number
  }

type ActFlags = NoteFlags &
  FilterFlags &
  WhenFlags &
  ReadFlags & { readonly tolerance?: number; readonly limit: number; readonly dryRun: boolean }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const tasks = program.command('tasks').description('runs of jobs at times that people set')
  addFilters(addPageOptions(tasks.command('list')))
    .description('tasks, the one that is due first first')
    .action((flags: PageFlags & FilterFlags) => list(context, flags))
  addReadOptions(tasks.command('show'))
    .description('one task with its last runs and its next times')
    .argument('<task>', 'its id', uuid)
    .action((id: string, flags: ReadFlags) => show(context, id, flags))
  addReadOptions(tasks.command('stats'))
    .description('how tasks do')
    .action((flags: ReadFlags) => stats(context, flags))
  addWhenOptions(addReadOptions(addNoteOptions(tasks.command('create'))))
    .description('have a job run at a time, or again and again')
    .argument('<job>', 'name or type: coverage-arming, COVERAGE_ARMING', jobOf)
    .option('--input <json>', "the job's input", parseJson, {})
    .option('--owner <name>', 'whose it is; who asks when left out', noteText)
    .option('--tenant <name>', 'default', taskTenant)
    .addOption(new Option('--priority <priority>').choices(JOB_PRIORITIES))
    .action((job: AnyJob, flags: CreateFlags) => create(context, job, flags))
  for (const kind of ['cancel', 'pause', 'resume'] as const) {
    addActOptions(tasks.command(kind))
      .description(`${kind} tasks, by id or by filter`)
      .action((ids: string[], flags: ActFlags) => act(context, ids, { kind }, flags))
  }
  addWhenOptions(addActOptions(tasks.command('reschedule')))
    .description('give tasks another time, by id or by filter')
    .action((ids: string[], flags: ActFlags) => {
      const timing = timingOfFlags(flags)
      const action = { kind: 'reschedule' as const, timing, toleranceMin: flags.tolerance }
      return act(context, ids, action, flags)
    })
}

function addFilters(command: Command): Command {
  return command
    .option('--tenant <name>', 'of this tenant', taskTenant)
    .option('--owner <name>', 'of this owner', searchText(200))
    .option('--job <job>', 'of this job', searchText(64))
    .addOption(new Option('--state <state>').choices(TASK_STATES))
    .option('--since <instant>', 'due at or after', instantOf)
    .option('--until <instant>', 'due before', instantOf)
}

function addActOptions(command: Command): Command {
  return addFilters(addReadOptions(addNoteOptions(command)))
    .argument('[tasks...]', 'their ids; else a filter', andTask, [])
    .option('--limit <n>', `at most this many, 1 to ${TASKS_PER_CALL}`, limitOf, TASKS_PER_CALL)
    .option('--dry-run', 'show what would be done', false)
}

function addWhenOptions(command: Command): Command {
  return command
    .option('--at <instant>', 'once; a past time is now', instantOf)
    .option('--every <duration>', 'again and again, as "15 minutes"')
    .option('--cron <expression>', 'again and again, as "30 6 * * MON-FRI"')
    .option('--zone <zone>', 'of --cron, as Europe/Berlin; UTC when left out')
    .addOption(
      new Option('--dst <rule>', 'what a change of clocks does to --cron').choices(DST_RULES),
    )
    .option('--tolerance <minutes>', 'overdue beyond this it is missed; 5', toleranceOf)
}

function list(context: CliContext, flags: PageFlags & FilterFlags): Promise<void> {
  const { tenant, owner, job, state, since, until, json } = flags
  const filter = { tenant, owner, job, state, since, until }
  // The tenant is a filter of the house here.
  return printRead(
    context,
    { json },
    {
      what: 'task',
      from: ({ db }) => createTaskStore(db).list(filter, flags),
      lines: (page) => pageLines(page, taskLines),
    },
  )
}

type Shown = Task & { readonly runs: readonly TaskRun[]; readonly next: readonly Instant[] }

function show(context: CliContext, id: string, flags: ReadFlags): Promise<void> {
  return printRead<Shown>(context, flags, {
    what: 'task',
    async from({ db }) {
      const store = createTaskStore(db)
      const task = await store.find(id)
      if (task === null) return null
      const next = nextTimes(task, instantFromMs(Date.now()), TIMES_SHOWN)
      return { ...task, runs: await store.runs(id, RUNS_SHOWN), next }
    },
    lines: detailLines,
  })
}

function stats(context: CliContext, flags: ReadFlags): Promise<void> {
  return printRead<TaskStatistics>(context, flags, {
    what: 'task',
    from: ({ db }) => createTaskStore(db).statistics(),
    lines: ({ byState, ...rest }) =>
      fieldLines([
        ...Object.entries(byState).map(([state, n]) => [state, n] as const),
        ['due within an hour', rest.dueWithinHour],
        ['overdue', rest.overdue],
        ['missed within a day', rest.missedWithinDay],
        ['start after due, ms, p50', rest.latenessP50Ms],
        ['start after due, ms, p99', rest.latenessP99Ms],
        ['not applied yet', rest.unapplied],
      ]),
  })
}

async function create(context: CliContext, job: AnyJob, flags: CreateFlags): Promise<void> {
  const { input, owner, tenant, priority, tolerance: toleranceMin } = flags
  const timing = timingOfFlags(flags)
  const asked = { ...noteOf(flags), input, owner, tenant, priority, toleranceMin }
  const task = await withTasks(context, (deps) =>
    createTask(deps, { ...asked, taskId: randomUUID(), job, timing }),
  )
  const text = flags.json ? JSON.stringify(task) : taskLines([task]).join('\n')
  context.stdout.write(`${text}\n`)
}

async function act(
  context: CliContext,
  ids: string[],
  action: TaskAction,
  flags: ActFlags,
): Promise<void> {
  const { tenant, owner, job, state, since, until, limit, dryRun: isDryRun } = flags
  const taskIds = ids.length === 0 ? undefined : ids
  const filter = { taskIds, tenant, owner, job, state, since, until }
  if (Object.values(filter).every((value) => value === undefined)) {
    throw new CliError('name tasks, or a filter', EXIT.usage)
  }
  const request = { ...noteOf(flags), action, filter, limit, isDryRun }
  const done = await actOnTasks(context, request)
  const rows = done.tasks.map((one) => [one.taskId, one.outcome, one.message])
  const lines = [
    ...tableLines(['task', 'outcome', 'why'], rows),
    ...(done.isMore ? ['more fit: repeat'] : []),
  ]
  context.stdout.write(`${flags.json ? JSON.stringify(done) : lines.join('\n')}\n`)
  if (done.tasks.some((one) => one.outcome === 'refused')) {
    throw new CliError('some tasks were refused', EXIT.failed)
  }
}

function taskLines(tasks: readonly Task[]): string[] {
  return tableLines(
    ['task', 'state', 'due, UTC', 'job', 'when', 'owner', 'missed'],
    tasks.map((task) => [
      task.taskId,
      task.isApplied ? task.state : `${task.state} (not applied yet)`,
      timeText(task.dueAt),
      task.job,
      timingText(task.timing),
      task.owner,
      task.missed,
    ]),
  )
}

function detailLines({ runs, next, ...task }: Shown): string[] {
  return [
    ...fieldLines([
      ['task', task.taskId],
      ['state', task.state],
      ['job', task.job],
      ['input', JSON.stringify(task.input)],
      ['when', timingText(task.timing)],
      ['due, UTC', timeText(task.dueAt)],
      ['next, UTC', next.map(timeText).join(', ')],
      ['tolerance, min', task.toleranceMin],
      ['missed', task.missed],
      ['owner', `${task.owner} (${task.tenant})`],
      ['changed last', task.reason],
      ['applied', task.isApplied ? 'yes' : 'not yet'],
    ]),
    '',
    ...tableLines(
      ['due, UTC', 'started, UTC', 'status', 'error', 'run'],
      runs.map((run) => [
        timeText(run.nominalAt),
        timeText(run.startedAt),
        run.status,
        run.errorType,
        run.workflowId,
      ]),
    ),
  ]
}

function andTask(text: string, before: readonly string[]): string[] {
  return [...before, uuid(text)]
}

function jobOf(text: string): AnyJob {
  const job = findJob(text)
  if (job !== undefined) return job
  throw new InvalidArgumentError('`groundstop jobs types` shows those that there are')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('it must be JSON')
  }
}

const limitOf = wholeNumber(TASKS_PER_CALL)
const toleranceOf = wholeNumber(TOLERANCE_AT_MOST_MIN)

function wholeNumber(greatest: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= 1 && value <= greatest) return value
    throw new InvalidArgumentError(`a whole number from 1 to ${greatest}`)
  }
}
