/**
 * A test of payout runs with a namespace, workers and a list of calls of its own, so that tests go on
 * side by side: most of each is waiting for the server's timers.
 */
import { randomUUID } from 'node:crypto'

import type { WorkflowHandle } from '@temporalio/client'
import { test as base } from 'vitest'

import type { PayoutActivities } from '../../activities/payout.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { fakePayout, noteCalls, type Calls } from './fake-activities.ts'
import { services } from './services.ts'
import { createTemporalRig, type Activities, type TemporalRig } from './temporal-rig.ts'

/** What one test has to itself. */
export type PayoutDesk = {
  readonly rig: TemporalRig
  readonly calls: Calls
  readonly countOf: (name: string) => number
  /** Starts a run on a worker with these activities and hands it to `operate`. */
  readonly withRun: <T>(
    activities: Activities,
    operate: (handle: WorkflowHandle) => Promise<T>,
    input?: Record<string, unknown>,
  ) => Promise<T>
  readonly runToEnd: (
    change: Partial<PayoutActivities>,
    input?: Record<string, unknown>,
  ) => Promise<unknown>
  /** The results of the runs that pay these payouts alone. */
  readonly endsOf: (payoutIds: readonly string[]) => Promise<unknown[]>
}

/** Vitest's `test` with the fixture `desk`. */
export const test = base.extend<{ desk: PayoutDesk }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
  desk: async ({}, use) => {
    await using rig = await createTemporalRig(services().temporalAddress)
    await use(createDesk(rig))
  },
})

function createDesk(rig: TemporalRig): PayoutDesk {
  const calls: Calls = []
  const withRun: PayoutDesk['withRun'] = async (
    activities,
    operate,
    input = { batchId: randomUUID() },
  ) =>
    rig.withWorker('payouts', noteCalls(calls, activities), async () => {
      const { workflowId } = await startJob(rig, { job: 'payout', input, trigger: 'cli' })
      return operate(rig.client.workflow.getHandle(workflowId))
    })
  return {
    rig,
    calls,
    countOf: (name) => calls.filter((call) => call.name === name).length,
    withRun,
    runToEnd: (change, input) => withRun(fakePayout(change), (handle) => handle.result(), input),
    endsOf: (payoutIds) => {
      const handles = payoutIds.map((id) => rig.client.workflow.getHandle(`payout:${id}`))
      return Promise.all(handles.map((handle) => handle.result()))
    },
  }
}
