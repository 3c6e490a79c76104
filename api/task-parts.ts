/** The API's doors to tasks, built from the parts of the process. */
import { createTaskStore } from '../db/stores/task-store.ts'
import { nextTimes } from '../domain/task.ts'
import { instantFromMs } from '../domain/time.ts'
import { changeTask, changeTasks, createTask } from '../operations/manage-tasks.ts'
import { createTaskSchedules } from '../platform/temporal/task-schedules.ts'
import type { ApiParts } from './parts.ts'
import type { TasksDeps } from './rest/tasks.ts'

const RUNS_SHOWN = 20
const TIMES_SHOWN = 5

/** What the routes of tasks need. */
export function tasksOf({ db, client, clock, config }: ApiParts): TasksDeps['tasks'] {
  const taskStore = createTaskStore(db)
  const wallNow = () => instantFromMs(Date.now())
  const deps = {
    taskStore,
    taskSchedules: createTaskSchedules(client, config.jobTerms),
    environment: config.environment,
    clock,
    wallNow,
  }
  return {
    create: (request) => createTask(deps, request),
    list: (filter, page) => taskStore.list(filter, page),
    async read(taskId) {
      const task = await taskStore.find(taskId)
      if (task === null) return null
      const runs = await taskStore.runs(taskId, RUNS_SHOWN)
      return { task, runs, next: nextTimes(task, wallNow(), TIMES_SHOWN) }
    },
    statistics: () => taskStore.statistics(),
    change: (taskId, action, ask) => changeTask(deps, taskId, action, ask),
    changeMany: (request) => changeTasks(deps, request),
  }
}
