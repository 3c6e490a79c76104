/** A line of a run's log for every step that it carried out: which, at which attempt, for how long. */
import type { Context } from '@temporalio/activity'
import type { ActivityInterceptors } from '@temporalio/worker'

import type { RunLines } from '../platform/run-lines.ts'

/**
 * A factory for a worker's activity interceptors, to stand inside of the one that names the run. The
 * lines are the run's alone: in the process's log they would only say that all is well.
 */
export function activityLines(
  lines: Pick<RunLines, 'take'>,
): (context: Context) => ActivityInterceptors {
  return ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        const beganAtMs = performance.now()
        const tell = (event: 'step-done' | 'step-failed'): void => {
          // Local steps are short and many, as passes of a job that never rests.
          if (info.isLocal && event === 'step-done') return
          const durationMs = Math.round(performance.now() - beganAtMs)
          const data = { step: info.activityType, attempt: info.attempt, durationMs }
          const level = event === 'step-done' ? 'info' : 'warn'
          lines.take({ at: Date.now(), level, event, data })
        }
        try {
          const result: unknown = await next(input)
          tell('step-done')
          return result
        } catch (error) {
          tell('step-failed')
          throw error
        }
      },
    },
  })
}
