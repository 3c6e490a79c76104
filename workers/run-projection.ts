/** Builds what the run projection works with: the server that it watches, and what it keeps. */
import {
  createOutboxAndRunProjectionActivities,
  type OutboxAndRunProjectionActivities,
} from '../activities/outbox-and-run-projection.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createClockStore } from '../db/stores/clock-store.ts'
import { createControlStore } from '../db/stores/control-store.ts'
import { createDeadLetterStore } from '../db/stores/dead-letter-store.ts'
import { createJobAlertStore } from '../db/stores/job-alert-store.ts'
import { createRunStore } from '../db/stores/run-store.ts'
import { createScheduleWatchStore } from '../db/stores/schedule-watch-store.ts'
import { createOperatorNoticeStore } from '../db/stores/operator-notice-store.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import { createTaskStore } from '../db/stores/task-store.ts'
import type { JobControl } from '../domain/ports/job-control.ts'
import type { RunSource } from '../domain/ports/run-source.ts'
import type { ScheduleStates } from '../domain/ports/schedule-states.ts'
import type { WatchedSchedules } from '../domain/ports/schedule-watch.ts'
import type { TaskSchedules, TaskStore } from '../domain/ports/task-store.ts'
import { instantFromMs } from '../domain/time.ts'
import { isScheduled } from '../jobs/job-environments.ts'
import { allJobs } from '../jobs/registry.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import type { Events } from '../platform/events.ts'
import { schedulerTermsOf } from '../platform/scheduler-terms.ts'

/** The Temporal server as the projection sees it. */
export type WatchedServer = {
  readonly runSource: RunSource
  readonly watched: WatchedSchedules
  readonly jobControl: JobControl
  readonly scheduleStates: ScheduleStates
  readonly taskSchedules: TaskSchedules
  readonly watchedTasks: (taskStore: TaskStore) => WatchedSchedules
}

/** The activities of the projection. */
export function runProjection(
  deps: { readonly server: WatchedServer; readonly events: Events; readonly config: Config },
  db: Database,
): OutboxAndRunProjectionActivities {
  const { runSource, watched, jobControl, scheduleStates, taskSchedules } = deps.server
  const taskStore = createTaskStore(db)
  const clockStore = createClockStore(db)
  const clock = createVirtualClock(clockStore)
  const [settingStore, operatorNoticeStore] = [
    createSettingStore(db),
    createOperatorNoticeStore(db),
  ]
  const terms = schedulerTermsOf(deps.config)
  const scheduled = allJobs().filter((job) => isScheduled(job, terms))
  return createOutboxAndRunProjectionActivities({
    runSource,
    runStore: createRunStore(db),
    deadLetters: createDeadLetterStore(db),
    settingStore,
    wallNow: () => instantFromMs(Date.now()),
    events: deps.events,
    watched,
    watchStore: createScheduleWatchStore(db),
    windows: {
      control: jobControl,
      controlStore: createControlStore(db),
      scheduleStates,
      clock,
    },
    tasks: {
      taskStore,
      taskSchedules,
      watched: deps.server.watchedTasks(taskStore),
      operatorNoticeStore,
      clock,
    },
    alerts: {
      jobAlerts: createJobAlertStore(db),
      settingStore,
      operatorNoticeStore,
      jobs: allJobs(),
      clock,
      clockSpeed: async () => (await clockStore.read())?.speed ?? 1,
    },
    scheduleIds: scheduled.map((job) => job.name),
  })
}
