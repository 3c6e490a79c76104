/** Schedules on the server for the dead-man's switch: what they say, and the runs it starts for them. */
import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type ScheduleDescription,
} from '@temporalio/client'
import { defineSearchAttributeKey } from '@temporalio/common'

import type {
  HealOutcome,
  WatchedSchedule,
  WatchedSchedules,
} from '../../domain/ports/schedule-watch.ts'
import { instantFromMs, toMs, type Instant } from '../../domain/time.ts'
import type { WallSchedule } from '../../domain/wall-schedule.ts'
import type { JobPriority } from '../../jobs/define-job.ts'
import type { JobTerms } from '../../jobs/job-environments.ts'
import { allJobs, type AnyJob } from '../../jobs/registry.ts'
import type { JobTrigger } from '../../jobs/run-identity.ts'
import { scheduledRunOptions } from './job-starter.ts'
import { fieldsOfDescription } from './schedule-spec.ts'
import { describeSchedule } from './schedules-plan.ts'
import { runSearchAttributes } from './search-attributes.ts'

/** A call that takes longer is a server that does not answer. */
const CALL_DEADLINE_MS = 10_000

const ScheduledById = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD')
const ScheduledStartTime = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME')

/** Schedules of this client's namespace. `jobs`: the registry unless told otherwise. */
export function createWatchedSchedules(
  client: Client,
  terms: JobTerms,
  jobs: readonly AnyJob[] = allJobs(),
): WatchedSchedules {
  const bounded = <T>(work: () => Promise<T>): Promise<T> =>
    client.withDeadline(Date.now() + CALL_DEADLINE_MS, work)
  return {
    read: (scheduleIds) =>
      bounded(async () => {
        const all = await Promise.all(scheduleIds.map((id) => describeSchedule(client, id)))
        return all.flatMap((found) => (found === undefined ? [] : [watchedOf(found, jobs)]))
      }),
    fire: (scheduleId, nominalAt) =>
      bounded(() => {
        const job = jobs.find((one) => one.name === scheduleId)
        if (job === undefined) throw new TypeError(`no job is called ${scheduleId}`)
        return fireRun(client, firedOf(job, terms), nominalAt)
      }),
  }
}

/**
 * What is watched of a schedule. Intervals as the server has them, since a fast clock shortens them. Times on a wall as the registry
 * has them: what the server was given for them is what is to be watched.
 */
export function watchedOf(
  description: ScheduleDescription,
  jobs: readonly AnyJob[],
): WatchedSchedule {
  const job = jobs.find((one) => one.name === description.scheduleId)
  const declared = job?.schedule?.kind === 'calendar' ? job.schedule : null
  const fields = fieldsOfDescription(description)
  const { createdAt, lastUpdatedAt: changedAt = createdAt } = description.info
  return {
    scheduleId: description.scheduleId,
    spec: {
      everyMs: numberOf(fields['everyMs']),
      ...offsetOf(fields['offsetMs']),
      wall: declared === null ? null : wallOf(declared),
      mayOverlap: fields['overlap'] === 'ALLOW_ALL',
      jitterMs: numberOf(fields['jitterMs']) ?? 0,
      catchUpMs: numberOf(fields['catchUpMs']) ?? 0,
    },
    isPaused: description.state.paused,
    changedAt: instantFromMs(changedAt.getTime()),
  }
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function offsetOf(value: unknown): { offsetMs?: number } {
  return typeof value === 'number' && value > 0 ? { offsetMs: value } : {}
}

function wallOf({ calendars, timezone, dst = 'shift' }: WallDeclaration): WallSchedule {
  return { calendars, timezone, dst }
}

type WallDeclaration = Extract<NonNullable<AnyJob['schedule']>, { readonly kind: 'calendar' }>

/** The id that a schedule gives a run: its own name and the nominal second. */
export function firedWorkflowId(scheduleId: string, nominalAt: Instant): string {
  return `${scheduleId}-${nominalAt.replace(/\.\d{3}Z$/, 'Z')}`
}

/** A run as a schedule starts it. */
export type FiredRun = {
  readonly terms: JobTerms
  readonly scheduleId: string
  readonly job: AnyJob
  readonly input: Readonly<Record<string, unknown>>
  readonly priority: JobPriority
  /** Absent: the house's. */
  readonly tenant?: string | undefined
  readonly trigger: JobTrigger
  readonly memo: Readonly<Record<string, unknown>>
}

function firedOf(job: AnyJob, terms: JobTerms): FiredRun {
  return {
    terms,
    scheduleId: job.name,
    job,
    input: job.schedule?.input ?? {},
    priority: job.priority,
    trigger: 'schedule',
    memo: { trigger: 'schedule', firedBy: 'dead-man-switch' },
  }
}

/**
 * Starts it as the schedule would have, not before its time. Refused by the server itself when a run of
 * that id exists, open or closed, so that it can never double a fire that happened after all.
 */
export async function fireRun(
  client: Client,
  { scheduleId, job, input, priority, terms, tenant, trigger, memo }: FiredRun,
  nominalAt: Instant,
): Promise<HealOutcome> {
  const workflowId = firedWorkflowId(scheduleId, nominalAt)
  const startDelay = toMs(nominalAt) - Date.now()
  try {
    const handle = await client.workflow.start(job.workflow, {
      ...scheduledRunOptions(job, { priority, terms, tenant }),
      workflowId,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      args: [input],
      ...(startDelay > 0 ? { startDelay } : {}),
      memo,
      typedSearchAttributes: [
        ...runSearchAttributes(job, trigger, priority),
        { key: ScheduledById, value: scheduleId },
        { key: ScheduledStartTime, value: new Date(toMs(nominalAt)) },
      ],
    })
    return { kind: 'started', runId: handle.firstExecutionRunId }
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    return { kind: 'exists', runId: null }
  }
}
