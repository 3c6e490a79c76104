/** The workflows of this pack: one exported function per job. */
import { proxyActivities } from '@temporalio/workflow'

import type { DelayListActivities } from '../activities/index.ts'
import type { DelayedAirportsInput, DelayedAirportsResult } from '../jobs/registry.ts'

const { writeDelayedAirports } = proxyActivities<DelayListActivities>({
  startToCloseTimeout: '20 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { maximumAttempts: 5 },
})

/** One step: reading and writing again gives the same file. */
export async function delayedAirports(input: DelayedAirportsInput): Promise<DelayedAirportsResult> {
  return writeDelayedAirports({ date: input.date, top: input.top ?? 10 })
}
