/** The API's doors to jobs, schedules, queues and dead letters, built from the parts of the process. */
import { createAuditLog } from '../db/stores/audit-log.ts'
import { createControlStore } from '../db/stores/control-store.ts'
import { createDeadLetterStore } from '../db/stores/dead-letter-store.ts'
import { createJobPlaces } from '../db/stores/job-place-store.ts'
import { createRunReads } from '../db/stores/run-reads.ts'
import { createScheduleWatchStore } from '../db/stores/schedule-watch-store.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import { instantFromMs } from '../domain/time.ts'
import {
  backfill,
  closeWindow,
  openWindow,
  switchQueue,
  switchSchedule,
} from '../operations/control-jobs.ts'
import { limitQueue, readQueueControl } from '../operations/limit-queues.ts'
import { discardRuns, redriveRuns } from '../operations/redrive-runs.ts'
import { readJobLimits, type ShownJobLimits } from '../operations/read-job-limits.ts'
import { readSchedule, readSchedules } from '../operations/read-schedules.ts'
import { createJobControl } from '../platform/temporal/job-control.ts'
import { createRunRedriver } from '../platform/temporal/run-redriver.ts'
import { findReschedulable, rescheduleRun } from '../platform/temporal/run-rescheduler.ts'
import { createScheduleStates } from '../platform/temporal/schedule-states.ts'
import { createWatchedSchedules } from '../platform/temporal/watched-schedules.ts'
import {
  cancelJobRun,
  describeJobRun,
  listJobRuns,
  readJobRun,
} from '../platform/temporal/job-runs.ts'
import { startJobRun } from './job-starts.ts'
import type { DeadLettersDeps } from './rest/dead-letters.ts'
import type { JobControlDeps } from './rest/job-control.ts'
import type { RescheduleDeps } from './rest/job-reschedule.ts'
import type { JobsDeps } from './rest/jobs.ts'
import type { SchedulesDeps } from './rest/schedules.ts'
import type { ApiParts } from './parts.ts'

/** What the routes of job runs need. */
export function jobsOf({ db, client, clock, config }: ApiParts): JobsDeps['jobs'] {
  const { jobTerms: terms } = config
  const auditLog = createAuditLog(db)
  // Noted before it is asked for: Temporal and the trail have no transaction in common, and nothing
  // is to happen that nobody is on record for.
  return {
    async start(start, attempt, by) {
      const { job, executeAt, priority } = start
      const entry = { actor: by, action: 'job.start', subject: `job:${job.name}` }
      const details = { before: null, after: { executeAt, priority } }
      await auditLog.record({ ...entry, at: await clock.now(), details })
      return startJobRun({ client, terms }, start, attempt)
    },
    list: (filter, page) => listJobRuns(client, filter, page),
    read: (id, runId) => readJobRun(client, id, runId),
    async cancel({ id, runId }, by) {
      const { input: _input, result: _result, ...run } = await readJobRun(client, id, runId)
      const entry = { actor: by, action: 'job.cancel', subject: `job:${run.name}` }
      const details = { id, runId: run.runId, before: run.status, after: 'cancelling' }
      if (run.finishedAt === null) {
        await auditLog.record({ ...entry, at: await clock.now(), details })
      }
      return cancelJobRun(client, id, run.runId)
    },
  }
}

/** Limits of jobs, with who is at work and who waits. */
export function jobLimitsOf({ db }: ApiParts): Promise<ShownJobLimits[]> {
  return readJobLimits({ jobPlaces: createJobPlaces(db), settingStore: createSettingStore(db) })
}

/** What the route that moves runs needs. */
export function reschedulesOf({
  db,
  client,
  clock,
  config,
}: ApiParts): Pick<RescheduleDeps, 'rescheduleJob'> {
  const auditLog = createAuditLog(db)
  return {
    async rescheduleJob({ id, executeAt }, { by, reason }) {
      const { job, executeAt: before } = await findReschedulable({ client }, id)
      const entry = { actor: by, action: 'job.reschedule', subject: `job:${job.name}` }
      const details = { id, reason, before, after: executeAt }
      await auditLog.record({ ...entry, at: await clock.now(), details })
      const { runId } = await rescheduleRun(
        { client, terms: config.jobTerms },
        { workflowId: id, executeAt },
      )
      return (await describeJobRun(client, id, runId)).run
    },
  }
}

/** What the routes of schedules need. */
export function schedulesOf({ db, client }: ApiParts): SchedulesDeps['schedules'] {
  const deps = {
    runReads: createRunReads(db),
    scheduleStates: createScheduleStates(client),
    watchStore: createScheduleWatchStore(db),
  }
  return { list: () => readSchedules(deps), read: (name) => readSchedule(deps, name) }
}

/** Windows shown at once: more are a mistake. */
const WINDOWS_SHOWN = 100

/** What the routes of schedules, queues and maintenance windows that people switch need. */
export function controlOf({ db, client, clock, config }: ApiParts): JobControlDeps['control'] {
  const controlStore = createControlStore(db)
  const deps = {
    control: createJobControl(client),
    controlStore,
    scheduleStates: createScheduleStates(client),
    watched: createWatchedSchedules(client, config.jobTerms),
    watchStore: createScheduleWatchStore(db),
    clock,
    wallNow: () => instantFromMs(Date.now()),
  }
  return {
    switchSchedule: (job, isEnabled, note) => switchSchedule(deps, job, isEnabled, note),
    backfill: (job, request) => backfill(deps, job, request),
    readQueue: (queue) => readQueueControl(deps, queue),
    limitQueue: (queue, perSecond, note) => limitQueue(deps, queue, perSecond, note),
    switchQueue: (queue, isPaused, note) => switchQueue(deps, queue, isPaused, note),
    windows: () => controlStore.listWindows(WINDOWS_SHOWN),
    openWindow: (selection, request) => openWindow(deps, selection, request),
    closeWindow: (windowId, note) => closeWindow(deps, windowId, note),
  }
}

/** What the routes of dead letters need. */
export function deadLettersOf({
  db,
  client,
  clock,
  config,
}: ApiParts): DeadLettersDeps['deadLetters'] {
  const deadLetters = createDeadLetterStore(db)
  const redriver = createRunRedriver({ client, terms: config.jobTerms })
  const deps = { deadLetters, redriver, clock }
  return {
    ...deadLetters,
    readInput: (letter) => redriver.readInput(letter),
    redrive: (request) => redriveRuns(deps, request),
    discard: (request) => discardRuns(deps, request),
  }
}
