/** When a schedule meant a run to start. */
import { workflowInfo } from '@temporalio/workflow'

import { instantFromMs, type Instant } from '../../domain/time.ts'

/**
 * The nominal time of a scheduled run, without jitter and delay, also for catch-up and backfill; the
 * start of the run when no schedule started it.
 */
export function nominalTime(): Instant {
  const { searchAttributes, startTime } = workflowInfo()
  // The typed view knows only keys that we define; this one is the server's own.
  const nominal: unknown = searchAttributes['TemporalScheduledStartTime']?.[0]
  return instantFromMs((nominal instanceof Date ? nominal : startTime).getTime())
}
