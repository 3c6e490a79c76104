/** `groundstop schedules`: the registry's schedules against the server's, and how they do. */
import type { Command } from 'commander'

import { loadConfig } from '../../config/config.ts'
import { createDatabase } from '../../db/client.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { ensureSearchAttributes } from '../../platform/temporal/search-attributes.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import {
  planSchedules,
  type SchedulePlanEntry,
  type SchedulePlanOptions,
} from '../../platform/temporal/schedules-plan.ts'
import type { CliContext } from '../context.ts'
import { addScheduleSwitches } from '../control/schedule-switches.ts'
import { addSchedulePreview } from '../reads/schedule-preview.ts'
import { addScheduleReads } from '../reads/schedule-reads.ts'
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
  work: typeof planSchedules,
  would: string,
): Promise<void> {
  const { config, secrets } = loadConfig(context.env)
  await using server = await connectTemporal(context, config)
  const { environment } = config
  const options: SchedulePlanOptions = { speed: await readSpeed(secrets.databaseUrl), environment }
  // A schedule's actions carry them, so the server must know them first.
  if (work === applySchedules) await ensureSearchAttributes(server.client)
  const entries = await work({ client: server.client }, options)
  const text = json ? JSON.stringify(entries, null, 2) : describePlan(entries, would)
  context.stdout.write(`${text}\n`)
}

/** Without a database there is no virtual clock to scale by. */
async function readSpeed(databaseUrl: string | null): Promise<number> {
  if (databaseUrl === null) return WALL_SPEED
  await using db = createDatabase(databaseUrl, { max: 1 })
  return (await createClockStore(db).read())?.speed ?? WALL_SPEED
}

/** The plan as lines, like a plan of infrastructure. */
export function describePlan(entries: readonly SchedulePlanEntry[], would: string): string {
  const changes = entries.filter((entry) => entry.action !== 'unchanged').length
  const summary = `${changes} of ${entries.length} schedules ${would}change${would === '' ? 'd' : ''}`
  return [...entries.flatMap(describeEntry), summary].join('\n')
}

const SIGNS = { create: '+', update: '~', drift: '!', delete: '-', unchanged: ' ' } as const

function describeEntry({ scheduleId, action, differences, paused }: SchedulePlanEntry): string[] {
  const note = paused === null ? '' : ` (kept: paused by operator: ${paused.note || 'no note'})`
  return [
    `${SIGNS[action]} ${scheduleId}: ${action}${note}`,
    ...differences.map(
      ({ field, server, registry }) =>
        `    ${field}: ${String(server)} on the server, ${String(registry)} in the registry`,
    ),
  ]
}
