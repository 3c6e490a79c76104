/** A minute of the run projection: its passes, what a lost one means and what fails it. */
import { randomUUID } from 'node:crypto'

import { ApplicationFailure } from '@temporalio/client'
import { defineSearchAttributeKey } from '@temporalio/common'
import { beforeAll, describe, expect, test } from 'vitest'

import type { OutboxAndRunProjectionActivities } from '../../activities/outbox-and-run-projection.ts'
import { outboxAndRunProjectionResult } from '../../jobs/outbox-and-run-projection.ts'
import { fakeOutboxAndRunProjection, noteCalls, type Calls } from '../support/fake-activities.ts'
import { services } from '../support/services.ts'
import { createTemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const QUEUE = 'monitoring'

beforeAll(() => testBundle())

/** The time that a schedule would give: so long ago, as after a late start. */
const NominalTime = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME')

async function run(
  change: Partial<OutboxAndRunProjectionActivities>,
  { calls = [], agoMs }: { calls?: Calls; agoMs: number },
): Promise<unknown> {
  // Minutes go by side by side, each with a namespace and so a worker of its own.
  await using rig = await createTemporalRig(services().temporalAddress)
  const activities = noteCalls(calls, fakeOutboxAndRunProjection(change))
  return await rig.withWorker(QUEUE, activities, async () => {
    const handle = await rig.client.workflow.start('outboxAndRunProjection', {
      args: [{}],
      taskQueue: QUEUE,
      workflowId: `outbox-and-run-projection:${randomUUID()}`,
      typedSearchAttributes: [{ key: NominalTime, value: new Date(Date.now() - agoMs) }],
    })
    return handle.result()
  })
}

describe.concurrent('a minute', () => {
  test('passes every five seconds until the minute is nearly over; the first looks at all', async () => {
    const calls: Calls = []
    const result = await run({}, { calls, agoMs: 45_000 })
    expect(calls.map(({ input }) => input)).toEqual([
      { isFull: true },
      { isFull: false },
      { isFull: false },
    ])
    expect(result).toMatchObject({ passes: 3, failedPasses: 0, changed: 3, isCurrent: true })
    expect(outboxAndRunProjectionResult.safeParse(result).success).toBe(true)
  })

  test('passes once when it starts after its minute', async () => {
    expect(await run({}, { agoMs: 90_000 })).toMatchObject({ passes: 1 })
  })

  test('a lost pass is covered by the next', async () => {
    let tries = 0
    const projectRuns: OutboxAndRunProjectionActivities['projectRuns'] = async () => {
      tries += 1
      if (tries === 1) throw ApplicationFailure.retryable('gone', 'DatabaseUnavailable')
      return fakeOutboxAndRunProjection().projectRuns({ isFull: false })
    }
    expect(await run({ projectRuns }, { agoMs: 48_000 })).toMatchObject({
      passes: 2,
      failedPasses: 1,
      isCurrent: true,
    })
  })

  test('fails with the reason when pass after pass fails', async () => {
    const projectRuns = async () => {
      throw ApplicationFailure.retryable('gone', 'DatabaseUnavailable')
    }
    const failed = run({ projectRuns }, { agoMs: 20_000 })
    await expect(failed).rejects.toMatchObject({ cause: { type: 'DatabaseUnavailable' } })
  }, 90_000)
})
