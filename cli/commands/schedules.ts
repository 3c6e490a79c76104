/** `groundstop schedules`: the registry's schedules against the server's, and how they do. */
import type { Command } from 'commander'

import { loadConfig } from '../../config/config.ts'
import { createDatabase, type Database } from '../../db/client.ts'
import { createAuditLog } from '../../db/stores/audit-log.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { whyNotScheduled, type SchedulerTerms } from '../../jobs/job-environments.ts'
import { allJobs } from '../../jobs/registry.ts'
import { auditSchedule } from '../../operations/audit-schedules.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { schedulerTermsOf } from '../../platform/scheduler-terms.ts'
import { ensureSearchAttributes } from '../../platform/temporal/search-attributes.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import {
  planSchedules,
  type SchedulePlanEntry,
  type SchedulePlanOptions,
} from '../../platform/temporal/schedules-plan.ts'
import type { CliContext } from '../context.ts'
import { addScheduleSwitches } from '../control/schedule-switches.ts'
import { loginActor } from '../note-options.ts'
import { addSchedulePreview } from '../reads/schedule-preview.ts'
import { addScheduleReads } from '../reads/schedule-reads.ts'
import { spreadText } from '../screen/timing.ts'
import { connectTemporal } from '../temporal-access.ts'

/** On wall time a second is a second. */
const WALL_SPEED = 1

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const schedules = program.command('schedules').description('schedules of jobs on the server')
  schedules
    .command('plan')
    .description('show what apply would do; changes nothing')
    .option('--json', 'one JSON array instead of lines', false)
    .action(async (options: { json: boolean }) => run(context, options, planSchedules, 'would '))
  schedules
    .command('apply')
    .description('make the server have what the registry says; pauses and notes are kept')
    .option('--json', 'one JSON array instead of lines', false)
    .action(async (options: { json: boolean }) => run(context, options, applySchedules, ''))
  addScheduleReads(schedules, context)
  addSchedulePreview(schedules, context)
  addScheduleSwitches(schedules, context)
}

async function run(
  context: CliContext,
  { json }: { json: boolean },
  work: typeof applySchedules,
  would: string,
): Promise<void> {
  const { config, secrets } = loadConfig(context.env)
  await using server = await connectTemporal(context, config)
  await using stack = new AsyncDisposableStack()
  const { databaseUrl } = secrets
  // Without a database there is no virtual clock to scale by, and no audit trail.
  const db = databaseUrl === null ? null : stack.use(createDatabase(databaseUrl, { max: 1 }))
  const terms = schedulerTermsOf(config)
  const speed =
    db === null ? WALL_SPEED : ((await createClockStore(db).read())?.speed ?? WALL_SPEED)
  const options: SchedulePlanOptions = { speed, terms }
  // A schedule's actions carry them, so the server must know them first.
  if (work === applySchedules) await ensureSearchAttributes(server.client)
  const { client } = server
  const entries = await work(db === null ? { client } : { client, record: recordOf(db) }, options)
  const text = json
    ? JSON.stringify(entries, null, 2)
    : [describePlan(entries, would), ...unscheduledLines(terms)].join('\n')
  context.stdout.write(`${text}\n`)
}

function recordOf(db: Database): (entry: SchedulePlanEntry) => Promise<void> {
  const clock = createVirtualClock(createClockStore(db))
  const deps = { auditLog: createAuditLog(db), clock, actor: loginActor() }
  return (entry) => auditSchedule(deps, entry)
}

/** The plan as lines, like a plan of infrastructure. */
export function describePlan(entries: readonly SchedulePlanEntry[], would: string): string {
  const changes = entries.filter((entry) => entry.action !== 'unchanged').length
  const summary = `${changes} of ${entries.length} schedules ${would}change${would === '' ? 'd' : ''}`
  return [...entries.flatMap(describeEntry), summary].join('\n')
}

/** Jobs that have a schedule, and have none here. */
export function unscheduledLines(terms: SchedulerTerms): string[] {
  return allJobs().flatMap((job) => {
    const why = job.schedule === undefined ? null : whyNotScheduled(job, terms)
    return why === null ? [] : [`  ${job.name}: not scheduled: ${why}`]
  })
}

const SIGNS = { create: '+', update: '~', drift: '!', delete: '-', unchanged: ' ' } as const

function describeEntry(entry: SchedulePlanEntry): string[] {
  const { scheduleId, action, differences, paused, spread, changed } = entry
  const note = paused === null ? '' : ` (kept: paused by operator: ${paused.note || 'no note'})`
  return [
    `${SIGNS[action]} ${scheduleId}: ${action}${spread === null ? '' : `, ${spreadText(spread)}`}${note}`,
    ...differences.map(
      ({ field, server, registry }) =>
        `    ${field}: ${String(server)} on the server, ${String(registry)} in the registry`,
    ),
    ...(changed === null
      ? []
      : [`    changed last at ${changed.at ?? 'an unknown time'}: ${changed.note ?? 'no note'}`]),
  ]
}
