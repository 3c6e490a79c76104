/** Runs one flight-monitor by hand and waits for it. */
import type { Client } from '@temporalio/client'

import type { JobTerms } from '../../jobs/job-environments.ts'
import type { FlightMonitorResult } from '../../jobs/flight-monitor.ts'
import { flightMonitor, flightMonitorResult } from '../../jobs/flight-monitor.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'

/** A function that runs a tick; it rejects when the tick fails. */
export function createTicker(deps: {
  readonly client: Client
  readonly terms: JobTerms
}): (signal: AbortSignal) => Promise<FlightMonitorResult> {
  return async (signal) => {
    const { workflowId, runId } = await startJob(deps, {
      job: flightMonitor.name,
      input: {},
      trigger: 'clock',
    })
    const handle = deps.client.workflow.getHandle(workflowId, runId)
    const result = await deps.client.withAbortSignal(signal, () => handle.result())
    return flightMonitorResult.parse(result)
  }
}
