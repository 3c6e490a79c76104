/** Runs started without our doors, as the Web UI and the `temporal` command do, fail at once when wrong. */
import { randomUUID } from 'node:crypto'

import { WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { fakePayout } from '../support/fake-activities.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

/** A run that hangs begins again after a task's time-out of 10 s; a machine that is busy needs less. */
const AT_ONCE_MS = 5_000

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

/** What the run failed with, and how long after its start. */
async function failureOf(
  workflowType: string,
  args: unknown[],
): Promise<{
  type: string | null | undefined
  message: string
  stack: string | undefined
  tookMs: number
}> {
  return rig.withWorker('payouts', fakePayout(), async () => {
    const handle = await rig.client.workflow.start(workflowType, {
      taskQueue: 'payouts',
      workflowId: randomUUID(),
      args,
    })
    const error: unknown = await handle.result().catch((failure: unknown) => failure)
    if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) {
      throw new Error('the run did not fail with an application failure')
    }
    const { startTime, closeTime } = await handle.describe()
    const tookMs = (closeTime ?? startTime).getTime() - startTime.getTime()
    const { type, message, stack } = error.cause
    return { type, message, stack, tookMs }
  })
}

test('bad input fails at once and names every field', async () => {
  const failure = await failureOf('payout', [{ batchId: 'x', payoutID: 'y' }])
  expect(failure).toMatchObject({
    type: 'InvalidInput',
    message: 'payout: invalid input: batchId: invalid UUID; payoutID: no such field',
  })
  expect(failure.tookMs).toBeLessThan(AT_ONCE_MS)
})

test('its stack names file and line of the source, for whoever has to mend a workflow', async () => {
  const { stack } = await failureOf('payout', [])
  expect(stack).toMatch(/workflows\/interceptors\/validate-input\.ts:\d+/)
})

test('missing input fails', async () => {
  expect(await failureOf('payout', [])).toMatchObject({
    type: 'InvalidInput',
    message: 'payout: invalid input: one object expected, 0 given',
  })
})

test('a second argument fails', async () => {
  const batchId = randomUUID()
  expect(await failureOf('payout', [{ batchId }, {}])).toMatchObject({
    type: 'InvalidInput',
    message: 'payout: invalid input: one object expected, 2 given',
  })
})

test('input that is not an object fails', async () => {
  expect(await failureOf('payout', [null])).toMatchObject({
    type: 'InvalidInput',
    message: 'payout: invalid input: input: expected object, received null',
  })
})

test('raw bytes fail', async () => {
  expect(await failureOf('payout', [new Uint8Array([1, 2])])).toMatchObject({
    type: 'InvalidInput',
  })
})

test('a workflow type that no job has fails and is named', async () => {
  expect(await failureOf('payOut', [{}])).toMatchObject({
    type: 'UnknownJob',
    message: 'no job has the workflow type payOut',
  })
})

test('good input passes', async () => {
  const result = await rig.withWorker('payouts', fakePayout(), () =>
    rig.client.workflow.execute('payout', {
      taskQueue: 'payouts',
      workflowId: randomUUID(),
      args: [{ batchId: randomUUID() }],
    }),
  )
  expect(result).toMatchObject({ settled: 10 })
})
