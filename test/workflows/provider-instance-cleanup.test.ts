/** The cleanup of providers' instances: its result, its retry, its failure, its end. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { providerInstanceCleanupResult } from '../../jobs/provider-instance-cleanup.ts'
import { findJob } from '../../jobs/registry.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { fakeInstanceCleanup, SOME_STALE } from '../support/instance-histories.ts'
import { runOnce, testRunRules } from '../support/run-rules.ts'
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

const JOB = 'provider-instance-cleanup'

test('says what went, and what is open', async () => {
  const result = await runOnce(rig, { job: JOB, input: {} }, fakeInstanceCleanup())
  expect(providerInstanceCleanupResult.parse(result)).toEqual(SOME_STALE)
})

testRunRules(() => rig, {
  job: JOB,
  input: {},
  activities: (change) => fakeInstanceCleanup(change),
  step: 'removeStaleInstances',
  answer: SOME_STALE,
})

test('the schedule is every five minutes of wall time, one at a time', () => {
  const job = findJob(JOB)
  if (job === undefined) throw new Error(`${JOB} is not in the registry`)
  expect(job.schedule).toMatchObject({ kind: 'interval', everyMs: 300_000, pace: 'wall' })
  expect(desiredSchedule(job, { speed: 60 })?.fields).toMatchObject({ overlap: 'SKIP' })
})
