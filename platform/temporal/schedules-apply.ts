/**
 * Makes the server's schedules what the registry says. What operators did by hand, pauses and notes,
 * is kept. Applying twice changes nothing, and two may apply at once.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import {
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
} from '@temporalio/client'
import {
  compileScheduleOptions,
  encodeScheduleAction,
  encodeSchedulePolicies,
  encodeScheduleSpec,
  encodeScheduleState,
} from '@temporalio/client/lib/schedule-helpers.js'

import type { DesiredSchedule } from './schedule-spec.ts'
import {
  compareSchedule,
  describeSchedule,
  desiredSchedules,
  planSchedules,
  type SchedulePlanEntry,
  type SchedulePlanOptions,
} from './schedules-plan.ts'

/** An update that lost against another is read again and repeated, this often. */
const TRIES = 8

const PAUSE_BETWEEN_TRIES_MS = 60

/** gRPC status of an update whose conflict token is stale: FAILED_PRECONDITION. */
const STALE_TOKEN: number = 9

/** Somebody kept changing the schedule while it was applied. Worth applying again later. */
export class ScheduleConflictError extends Error {
  override readonly name = 'ScheduleConflictError'
}

/** What applying works over. `record` is told of each change before it is made. */
export type ApplyDeps = {
  readonly client: Client
  readonly record?: (entry: SchedulePlanEntry) => Promise<void>
}

/** Applies the registry; returns what was found and done, one entry per schedule of ours. */
export async function applySchedules(
  deps: ApplyDeps,
  options: SchedulePlanOptions,
): Promise<SchedulePlanEntry[]> {
  const desired = desiredSchedules(options)
  const plan = await planSchedules(deps, options)
  const done: SchedulePlanEntry[] = []
  for (const entry of plan) {
    if (entry.action !== 'unchanged') await deps.record?.(entry)
    const wanted = desired.get(entry.scheduleId)
    if (wanted === undefined) await deleteSchedule(deps.client, entry.scheduleId)
    done.push(wanted === undefined ? entry : await applyOne(deps.client, wanted, entry))
  }
  return done
}

async function applyOne(
  client: Client,
  desired: DesiredSchedule,
  planned: SchedulePlanEntry,
): Promise<SchedulePlanEntry> {
  let told = planned
  for (let i = 0; i < TRIES; i += 1) {
    const description = await describeSchedule(client, desired.scheduleId)
    const found = compareSchedule(desired, description)
    if (found.action === 'unchanged') return { ...told, paused: found.paused }
    told = i === 0 ? found : told
    if (description === undefined) await createSchedule(client, desired)
    else await updateSchedule(client, desired, description)
    // The server may drop an update with a stale token silently, so the next turn reads it back.
    if (i > 0) await delay(PAUSE_BETWEEN_TRIES_MS * i)
  }
  throw new ScheduleConflictError(
    `schedule ${desired.scheduleId} kept changing while it was applied: apply again`,
  )
}

/** Makes a schedule; one that is there already is left as it is. */
export async function createSchedule(
  client: Client,
  desired: Pick<DesiredSchedule, 'options'>,
): Promise<void> {
  try {
    await client.schedule.create(desired.options)
  } catch (error) {
    // Somebody else applies at the same time; the next turn compares with what they made.
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
  }
}

/**
 * Replaces spec, action and policies under the token that the schedule was read with, and passes its
 * state through unless another is given. A stale token changes nothing, silently: read it back.
 */
export async function updateSchedule(
  client: Client,
  desired: Pick<DesiredSchedule, 'scheduleId' | 'options'>,
  description: ScheduleDescription,
  state: ScheduleDescription['state'] = description.state,
): Promise<void> {
  const { namespace, loadedDataConverter, identity } = client.options
  const options = compileScheduleOptions(desired.options)
  try {
    await client.workflowService.updateSchedule({
      namespace,
      scheduleId: desired.scheduleId,
      identity: identity ?? 'groundstop',
      requestId: randomUUID(),
      conflictToken: description.raw.conflictToken ?? null,
      schedule: {
        spec: encodeScheduleSpec(options.spec),
        policies: encodeSchedulePolicies(options.policies),
        action: await encodeScheduleAction(loadedDataConverter, namespace, options.action, {}),
        state: encodeScheduleState(state),
      },
    })
  } catch (error) {
    const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined
    if (code !== STALE_TOKEN) throw error
  }
}

/** Deletes a schedule; one that is gone already is none. Its runs go on. */
export async function deleteSchedule(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete()
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error
  }
}
