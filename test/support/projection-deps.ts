/** The run projection over a test's own server and database. */
import type { Client } from '@temporalio/client'

import type { Database } from '../../db/client.ts'
import { createControlStore } from '../../db/stores/control-store.ts'
import { createDeadLetterStore } from '../../db/stores/dead-letter-store.ts'
import { createJobAlertStore } from '../../db/stores/job-alert-store.ts'
import { createRunStore } from '../../db/stores/run-store.ts'
import { createScheduleWatchStore } from '../../db/stores/schedule-watch-store.ts'
import { createOperatorNoticeStore } from '../../db/stores/operator-notice-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { createTaskStore } from '../../db/stores/task-store.ts'
import { instantFromMs } from '../../domain/time.ts'
import { DEFAULT_TERMS } from '../../jobs/job-environments.ts'
import { allJobs, type AnyJob } from '../../jobs/registry.ts'
import type { ProjectionDeps } from '../../operations/project-runs.ts'
import { createJobControl } from '../../platform/temporal/job-control.ts'
import { createScheduleStates } from '../../platform/temporal/schedule-states.ts'
import { createRunSource } from '../../platform/temporal/run-source.ts'
import { createTaskSchedules, createWatchedTasks } from '../../platform/temporal/task-schedules.ts'
import { createWatchedSchedules } from '../../platform/temporal/watched-schedules.ts'

/** What the projection told, by event. */
export type Told = { readonly event: string; readonly data: unknown }[]

/** Watches the schedules of `jobs`, none unless said otherwise; tells into `told`. */
export function projectionDeps(
  client: Client,
  db: Database,
  {
    jobs = [],
    told = [],
    ...options
  }: {
    readonly jobs?: readonly AnyJob[]
    readonly told?: Told
    readonly judgedAfterMs?: number
  } = {},
): ProjectionDeps {
  const taskStore = createTaskStore(db)
  const tell = (event: string) => (data: unknown) => void told.push({ event, data })
  return {
    runSource: createRunSource(client),
    runStore: createRunStore(db),
    deadLetters: createDeadLetterStore(db),
    settingStore: createSettingStore(db),
    wallNow: () => instantFromMs(Date.now()),
    watched: createWatchedSchedules(client, DEFAULT_TERMS, jobs),
    watchStore: createScheduleWatchStore(db),
    windows: {
      control: createJobControl(client),
      controlStore: createControlStore(db),
      scheduleStates: createScheduleStates(client),
      clock: { now: async () => instantFromMs(Date.now()) },
    },
    tasks: {
      taskStore,
      taskSchedules: createTaskSchedules(client, DEFAULT_TERMS),
      watched: createWatchedTasks(client, DEFAULT_TERMS, taskStore),
      operatorNoticeStore: createOperatorNoticeStore(db),
      clock: { now: async () => instantFromMs(Date.now()) },
    },
    alerts: {
      jobAlerts: createJobAlertStore(db),
      settingStore: createSettingStore(db),
      operatorNoticeStore: createOperatorNoticeStore(db),
      jobs: allJobs(),
      clock: { now: async () => instantFromMs(Date.now()) },
      clockSpeed: async () => 1,
    },
    ...options,
    scheduleIds: jobs.map((job) => job.name),
    events: {
      deadLettersSwept: tell('deadLettersSwept'),
      firesMissed: tell('firesMissed'),
      fireHealed: tell('fireHealed'),
      scheduleAbsent: tell('scheduleAbsent'),
      taskMissed: tell('taskMissed'),
      taskNotApplied: tell('taskNotApplied'),
    },
  }
}
