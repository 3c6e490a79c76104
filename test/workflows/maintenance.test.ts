/** The maintenance run: one step, its result, its failure. Activities are fakes. */
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { MaintenanceActivities } from '../../activities/maintenance.ts'
import { maintenanceResult } from '../../jobs/maintenance.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { fakeMaintenance } from '../support/fake-activities.ts'
import { services } from '../support/services.ts'
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

async function maintain(
  change: Partial<MaintenanceActivities>,
  input: Record<string, unknown>,
): Promise<unknown> {
  return rig.withWorker('maintenance', fakeMaintenance(change), async () => {
    const { workflowId } = await startJob(rig, { job: 'MAINTENANCE', input, trigger: 'cli' })
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

test('returns what was done', async () => {
  const result = await maintain({}, { task: 'analyze' })
  expect(result).toMatchObject({ task: 'analyze', done: ['flight_leg', 'policy'] })
  expect(maintenanceResult.safeParse(result).success).toBe(true)
})

test('passes the tables on', async () => {
  let given: unknown
  await maintain(
    {
      maintainDatabase: async (input) => {
        given = input
        return { task: input.task, done: [], skipped: [], bytesBefore: 0, bytesAfter: 0 }
      },
    },
    { task: 'vacuum', tables: ['policy'] },
  )
  expect(given).toEqual({ task: 'vacuum', tables: ['policy'] })
})

test('fails at once on a table that is not there', async () => {
  let asked = 0
  const unknown = async (): Promise<never> => {
    asked += 1
    throw ApplicationFailure.nonRetryable('no such table: x', 'NotFound')
  }
  const failed = maintain({ maintainDatabase: unknown }, { task: 'reindex', tables: ['x'] })
  await expect(failed).rejects.toMatchObject({ cause: { type: 'NotFound', nonRetryable: true } })
  // The run has another attempt, which would meet the same.
  expect(asked).toBe(1)
})
