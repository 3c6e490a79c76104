/** Tells the server that a long activity is alive and how far it is. */
import { Context } from '@temporalio/activity'

import { SECOND_MS } from '../domain/time.ts'

/** Often enough for the shortest heartbeat timeout in use, 3 s; the SDK drops what is too many. */
const HEARTBEAT_EVERY_MS = SECOND_MS

/** How far an activity is, as the Web UI shows it under pending activities. */
export type Progress = { readonly done: number; readonly total: number }

/** Reports progress, and that the activity lives, until it is disposed. */
export type Heartbeats = Disposable & {
  /** Aborted when the run is cancelled, the activity timed out or the worker stops. */
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total: number) => void
}

/** Starts heartbeats for the activity that is running. Use with `using`. */
export function startHeartbeats(total = 0): Heartbeats {
  const context = Context.current()
  let progress: Progress = { done: 0, total }
  context.heartbeat(progress)
  const timer = setInterval(() => context.heartbeat(progress), HEARTBEAT_EVERY_MS)
  return {
    signal: context.cancellationSignal,
    onProgress: (done, total) => {
      progress = { done, total }
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
