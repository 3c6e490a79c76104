/** What stepping the clock learns from payout runs: how many payouts they hold. */
import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { createRunAsker } from '../../cli/clock/held-payouts.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { fakePayout } from '../support/fake-activities.ts'
import { heldUntilApproved, NOTE, untilState } from '../support/history-cases.ts'
import { services } from '../support/services.ts'
import type { Activities } from '../support/temporal-rig.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function withBatch<T>(
  activities: Activities,
  look: (batchId: string, workflowId: string) => Promise<T>,
): Promise<T> {
  return rig.withWorker('payouts', activities, async () => {
    const batchId = randomUUID()
    const { workflowId } = await startJob(rig, {
      job: 'payout',
      input: { batchId },
      trigger: 'cli',
    })
    return look(batchId, workflowId)
  })
}

test('a run that holds its payouts says how many, and none once they are paid', async () => {
  const askRuns = createRunAsker(rig)
  const said = await withBatch(heldUntilApproved(), async (batchId, workflowId) => {
    await untilState(rig, workflowId, 'held')
    const before = await askRuns([batchId, randomUUID()])
    const handle = rig.client.workflow.getHandle(workflowId)
    await handle.executeUpdate('approve', { args: [NOTE] })
    await handle.result()
    return { batchId, before, after: await askRuns([batchId]) }
  })
  const { batchId } = said
  expect(said.before).toEqual([{ batchId, held: 10, rounds: expect.any(Number) }])
  expect(said.after).toEqual([{ batchId, held: 0, rounds: (said.before[0]?.rounds ?? 0) + 1 }])
})

test('a run that waits for answers of the rail holds nothing', async () => {
  const unknownPayoutIds = Array.from({ length: 10 }, () => randomUUID())
  const silent = fakePayout({
    submitPayouts: async () => ({ settled: 0, rejectedPayoutIds: [], unknownPayoutIds }),
    planPayoutRetry: async () => ({ action: 'wait', wallMs: 60_000 }),
  })
  const held = await withBatch(silent, async (batchId, workflowId) => {
    await untilState(rig, workflowId, 'retrying')
    const [run] = await createRunAsker(rig)([batchId])
    await rig.client.workflow.getHandle(workflowId).terminate()
    return run?.held
  })
  expect(held).toBe(0)
})
