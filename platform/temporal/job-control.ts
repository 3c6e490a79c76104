/** Switches of schedules and queues on the Temporal server. */
import { ScheduleNotFoundError, type Client } from '@temporalio/client'
import temporalProto from '@temporalio/proto'

import type { JobControl, QueueControl } from '../../domain/ports/job-control.ts'
import { instantFromMs, SECOND_MS } from '../../domain/time.ts'

const { TaskQueueType } = temporalProto.temporal.api.enums.v1

/** Workflow queues cannot be limited: a run's own steps wait instead. */
const ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY

const CALL_DEADLINE_MS = 10_000

/** Switches of this client's namespace. */
export function createJobControl(client: Client): JobControl {
  const bounded = <T>(work: () => Promise<T>): Promise<T> =>
    client.withDeadline(Date.now() + CALL_DEADLINE_MS, work)
  const limit = (queue: string, rateLimit: { requestsPerSecond: number } | null, reason: string) =>
    bounded(async () => {
      await client.workflowService.updateTaskQueueConfig({
        namespace: client.options.namespace,
        identity: client.options.identity ?? 'groundstop',
        taskQueue: queue,
        taskQueueType: ACTIVITIES,
        updateQueueRateLimit: rateLimit === null ? { reason } : { rateLimit, reason },
      })
    })
  return {
    pauseSchedule: (id, note) =>
      bounded(() => ifThere(() => client.schedule.getHandle(id).pause(note))),
    resumeSchedule: (id, note) =>
      bounded(() => ifThere(() => client.schedule.getHandle(id).unpause(note))),
    readQueue: (queue) => bounded(() => readQueue(client, queue)),
    pauseQueue: (queue, reason) => limit(queue, { requestsPerSecond: 0 }, reason),
    resumeQueue: (queue, reason, perSecond) =>
      limit(queue, perSecond === undefined ? null : { requestsPerSecond: perSecond }, reason),
  }
}

async function ifThere(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false
    throw error
  }
}

async function readQueue(client: Client, queue: string): Promise<QueueControl> {
  const { config } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: ACTIVITIES,
    reportConfig: true,
  })
  const limit = config?.queueRateLimit
  // A limit of zero arrives without its number; no limit arrives without the message.
  if (!limit?.rateLimit) return { pause: null, limit: null }
  const perSecond = limit.rateLimit.requestsPerSecond ?? 0
  const { reason, updateTime } = limit.metadata ?? {}
  const sinceMs = Number(updateTime?.seconds ?? 0) * SECOND_MS
  const held = { reason: reason ?? '', since: sinceMs === 0 ? null : instantFromMs(sinceMs) }
  return perSecond === 0
    ? { pause: held, limit: null }
    : { pause: null, limit: { ...held, perSecond } }
}
