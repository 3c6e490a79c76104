/** The cleanup of providers' instances: its result, its retry, its failure, its end. Activities are fakes but in one test. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createProviderInstanceCleanupActivities } from '../../activities/provider-instance-cleanup.ts'
import { createProviderInstances } from '../../db/stores/provider-instances.ts'
import { providerInstanceCleanupResult } from '../../jobs/provider-instance-cleanup.ts'
import { findJob } from '../../jobs/registry.ts'
import { createEvents } from '../../platform/events.ts'
import { createLogger } from '../../platform/logger.ts'
import { createMetrics } from '../../platform/metrics.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { createTestDatabase } from '../support/database.ts'
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

test('removes from a real database, each kind under its own name, and counts it', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sql`insert into provider_process (provider, reporter, breaker, open_connections, updated_at)
    values ('aeroapi', 'worker:gone', 'closed', 2, now() - interval '1 hour'),
      ('aeroapi', 'worker:here', 'closed', 3, now())`.execute(db)
  await sql`insert into key_holder (process_id, ring, key_ids, seen_at)
    select 'gone ' || n, 'payload', '{a}', now() - interval '1 hour'
    from generate_series(1, 2) n`.execute(db)
  const metrics = createMetrics()
  const activities = createProviderInstanceCleanupActivities({
    instances: createProviderInstances(db),
    events: createEvents({ logger: createLogger({ level: 'silent' }), metrics }),
  })
  expect(await runOnce(rig, { job: JOB, input: {} }, activities)).toEqual({
    processes: 1,
    keyHolders: 2,
    allowances: 0,
    plans: 0,
    states: 0,
    isComplete: true,
    open: [{ provider: 'aeroapi', processes: 1, connections: 3 }],
  })
  const { values } = await metrics.providerInstancesRemoved.get()
  expect(Object.fromEntries(values.map(({ labels, value }) => [labels.kind, value]))).toEqual({
    'provider-processes': 1,
    'key-holders': 2,
  })
})

test('the schedule is every five minutes of wall time, one at a time', () => {
  const job = findJob(JOB)
  if (job === undefined) throw new Error(`${JOB} is not in the registry`)
  expect(job.schedule).toMatchObject({ kind: 'interval', everyMs: 300_000, pace: 'wall' })
  expect(desiredSchedule(job, { speed: 60 })?.fields).toMatchObject({ overlap: 'SKIP' })
})
