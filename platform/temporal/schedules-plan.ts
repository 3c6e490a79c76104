/** Compares the registry's schedules with the server's, like a plan of infrastructure. Changes nothing. */
import { ScheduleNotFoundError, type Client, type ScheduleDescription } from '@temporalio/client'

import type { Spread } from '../../domain/spread.ts'
import { ALL_SCHEDULED, isScheduled, type SchedulerTerms } from '../../jobs/job-environments.ts'
import { allJobs, type AnyJob } from '../../jobs/registry.ts'
import {
  desiredSchedule,
  fieldsOfDescription,
  MANAGED_BY,
  type DesiredSchedule,
  type ScheduleFields,
  type ScheduleScale,
} from './schedule-spec.ts'

/** One field in which server and registry differ. */
export type ScheduleDifference = {
  readonly field: string
  readonly server: string | number | boolean | null
  readonly registry: string | number | boolean | null
}

/**
 * create: the server has none. update: the registry changed. drift: somebody changed it on the
 * server. delete: it is ours, and no job has it any more. unchanged: equal.
 */
export type ScheduleAction = 'create' | 'update' | 'drift' | 'delete' | 'unchanged'

/** What would be done about one schedule. */
export type SchedulePlanEntry = {
  readonly scheduleId: string
  readonly action: ScheduleAction
  readonly differences: readonly ScheduleDifference[]
  /** Set when an operator paused it: kept, whatever else changes. */
  readonly paused: { readonly note: string } | null
  /** How much later than the named times it fires, and within which window; in business time. */
  readonly spread: Spread | null
  /** Of a drift: when it was changed last, and the note that was left; null where the server tells neither. */
  readonly changed: { readonly at: string | null; readonly note: string | null } | null
}

/** Which registry is compared, and at what speed of the clock. */
export type SchedulePlanOptions = ScheduleScale & {
  /** Which jobs are scheduled here. Default: all. */
  readonly terms?: SchedulerTerms
  /** Default: the registry. */
  readonly jobs?: readonly AnyJob[]
}

/** The schedules that should be, by id. */
export function desiredSchedules(options: SchedulePlanOptions): Map<string, DesiredSchedule> {
  const { terms = ALL_SCHEDULED, jobs = allJobs() } = options
  const scale = { ...options, terms }
  const enabled = jobs.filter((job) => isScheduled(job, terms))
  const desired = enabled.map((job) => desiredSchedule(job, scale))
  return new Map(desired.flatMap((one) => (one === undefined ? [] : [[one.scheduleId, one]])))
}

/** What `apply` would do, one entry per schedule of ours, in the order of their ids. */
export async function planSchedules(
  deps: { readonly client: Client },
  options: SchedulePlanOptions,
): Promise<SchedulePlanEntry[]> {
  const desired = desiredSchedules(options)
  const stale = (await managedScheduleIds(deps.client)).filter((id) => !desired.has(id))
  const entries = await Promise.all([
    ...[...desired.values()].map((one) => planOne(deps.client, one)),
    ...stale.map((id) => planDelete(deps.client, id)),
  ])
  return entries
    .filter((entry) => entry !== undefined)
    .sort((a, b) => (a.scheduleId < b.scheduleId ? -1 : 1))
}

async function planOne(client: Client, desired: DesiredSchedule): Promise<SchedulePlanEntry> {
  const description = await describeSchedule(client, desired.scheduleId)
  return compareSchedule(desired, description)
}

/** One schedule's entry, from what should be and what is there. */
export function compareSchedule(
  desired: DesiredSchedule,
  description: ScheduleDescription | undefined,
): SchedulePlanEntry {
  const { scheduleId, fields, specHash, spread } = desired
  if (description === undefined) {
    return { scheduleId, action: 'create', differences: [], paused: null, spread, changed: null }
  }
  const differences = differ(fieldsOfDescription(description), fields)
  const serverHash: unknown = description.action.memo?.['specHash']
  const paused = pausedOf(description)
  if (serverHash === specHash && differences.length === 0) {
    return { scheduleId, action: 'unchanged', differences, paused, spread, changed: null }
  }
  // The hash of another registry state is an older version; none, or ours with other fields, is an edit.
  const isOlder = typeof serverHash === 'string' && serverHash !== specHash
  if (isOlder) return { scheduleId, action: 'update', differences, paused, spread, changed: null }
  const changed = changeOf(description)
  return { scheduleId, action: 'drift', differences, paused, spread, changed }
}

/** The server does not tell who: a note is what people leave of themselves. */
function changeOf({ info, state }: ScheduleDescription): SchedulePlanEntry['changed'] {
  const at = info.lastUpdatedAt?.toISOString() ?? null
  const note = state.note === undefined || state.note === '' ? null : state.note
  return at === null && note === null ? null : { at, note }
}

function differ(server: ScheduleFields, registry: ScheduleFields): ScheduleDifference[] {
  return Object.keys(registry).flatMap((field) => {
    const before = server[field] ?? null
    const after = registry[field] ?? null
    return before === after ? [] : [{ field, server: before, registry: after }]
  })
}

async function planDelete(
  client: Client,
  scheduleId: string,
): Promise<SchedulePlanEntry | undefined> {
  const description = await describeSchedule(client, scheduleId)
  // Lists lag behind: it may be gone already.
  if (description === undefined) return undefined
  const paused = pausedOf(description)
  return { scheduleId, action: 'delete', differences: [], paused, spread: null, changed: null }
}

function pausedOf({ state }: ScheduleDescription): { note: string } | null {
  return state.paused ? { note: state.note ?? '' } : null
}

/** The schedule of an id; undefined when the server has none. */
export async function describeSchedule(
  client: Client,
  scheduleId: string,
): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(scheduleId).describe()
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined
    throw error
  }
}

/** Ids of the schedules that carry our mark; others in the namespace are none of our business. */
async function managedScheduleIds(client: Client): Promise<string[]> {
  const ids: string[] = []
  for await (const summary of client.schedule.list()) {
    if (summary.memo?.['managedBy'] === MANAGED_BY) ids.push(summary.scheduleId)
  }
  return ids
}
