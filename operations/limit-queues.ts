/**
 * Limits of queues: how many steps a second they begin. The server holds a queue to it, over all workers;
 * it has one number for pause and limit, so the limit is kept here as well and holds again after a pause.
 */
import type { Clock } from '../domain/ports/clock.ts'
import type { ControlStore, JobControl, QueueControl } from '../domain/ports/job-control.ts'
import type { JobQueue } from '../jobs/define-job.ts'
import type { ControlNote } from './control-jobs.ts'

/** What limits work over. */
export type LimitDeps = {
  readonly control: Pick<JobControl, 'readQueue' | 'resumeQueue'>
  readonly controlStore: Pick<ControlStore, 'readQueueLimit' | 'saveQueueLimit'>
  readonly clock: Clock
}

/** Steps a second: slower is a pause, faster is no limit. */
export const LIMIT_LEAST_PER_S = 0.1
/** See `LIMIT_LEAST_PER_S`. */
export const LIMIT_MOST_PER_S = 10_000

/**
 * Limits a queue to `perSecond` steps, or with null lifts the limit. A queue that is paused stays so, and
 * the limit holds when it is resumed. Who and why is written first; repeating moves nothing twice.
 */
export async function limitQueue(
  { control, controlStore, clock }: LimitDeps,
  queue: JobQueue,
  perSecond: number | null,
  note: ControlNote,
): Promise<void> {
  const before = (await controlStore.readQueueLimit(queue))?.perSecond ?? null
  await controlStore.saveQueueLimit(queue, perSecond, {
    ...{ ...note, at: await clock.now() },
    action: perSecond === null ? 'queue.unlimited' : 'queue.limited',
    subject: `queue:${queue}`,
    details: { before, after: perSecond },
  })
  const { pause } = await control.readQueue(queue)
  if (pause !== null) return
  await control.resumeQueue(queue, `${note.by}: ${note.reason}`, perSecond ?? undefined)
}

/** What holds a queue back: by the server, and what the server will be told at the end of a pause. */
export async function readQueueControl(
  { control, controlStore }: Pick<LimitDeps, 'control' | 'controlStore'>,
  queue: JobQueue,
): Promise<QueueControl> {
  const held = await control.readQueue(queue)
  if (held.pause === null) return held
  return { ...held, limit: await controlStore.readQueueLimit(queue) }
}
