/** The rotation of keys: its looks, what ends it and what does not; and what a real server still needs. */
import { randomUUID } from 'node:crypto'

import { CancelledFailure } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { SecretRotationActivities } from '../../activities/secret-rotation.ts'
import { addMs, DAY_MS, instantFromMs } from '../../domain/time.ts'
import { findJob } from '../../jobs/registry.ts'
import { secretRotationResult } from '../../jobs/secret-rotation.ts'
import { createPayloadKeyUsage } from '../../platform/temporal/payload-key-usage.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { planSchedules } from '../../platform/temporal/schedules-plan.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { failingOnce, inTurn } from '../support/history-cases.ts'
import { ChangingKeys, testKey } from '../support/payload-keys.ts'
import { fakeSecretRotation, ROTATION, rotationPlan } from '../support/secret-histories.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const QUEUE = 'maintenance'
const RETIRE = rotationPlan([{ action: 'retire', keyId: 'payload-a' }])

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function start(input: Record<string, unknown> = {}): Promise<string> {
  const workflowId = `secret-rotation:${randomUUID()}`
  await startJob(rig, { job: 'SECRET_ROTATION', input, trigger: 'cli', workflowId })
  return workflowId
}

async function run(
  change: Partial<SecretRotationActivities>,
  { input = {}, calls = [] }: { input?: Record<string, unknown>; calls?: Calls } = {},
): Promise<unknown> {
  return rig.withWorker(QUEUE, noteCalls(calls, fakeSecretRotation(change)), async () =>
    rig.client.workflow.getHandle(await start(input)).result(),
  )
}

test('with nothing due looks once, and closes anew what an earlier run left', async () => {
  const calls: Calls = []
  const result = await run({ resealPayloads: async () => 2 }, { calls })
  expect(secretRotationResult.parse(result)).toEqual({
    rings: [{ ring: 'payload', added: [], activated: [], retired: [], isWaiting: false }],
    resealed: 2,
  })
  expect(calls.map(({ name }) => name)).toEqual(['resealPayloads', 'planRotation'])
})

test('makes a key, waits until it is everywhere, uses it, then closes schedules anew', async () => {
  const calls: Calls = []
  const planRotation = inTurn(...ROTATION)
  const input = { ring: 'payload', isForced: true }
  const result = await run({ planRotation, resealPayloads: async () => 3 }, { input, calls })
  expect(result).toEqual({
    rings: [
      {
        ring: 'payload',
        added: ['payload-b'],
        activated: ['payload-b'],
        retired: [],
        isWaiting: false,
      },
    ],
    resealed: 6,
  })
  const looks = calls.filter(({ name }) => name === 'planRotation').map((call) => call.input)
  // Forced once: a second key must not follow the first.
  expect(looks).toMatchObject([{ isForced: true }, { isForced: false }, { isForced: false }])
  const suffixes = new Set(looks.map((look) => (look as { suffix: string }).suffix))
  expect([...suffixes]).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)])
  expect(calls.at(-1)).toMatchObject({ name: 'resealPayloads' })
})

test('a step that was taken by a try before is not counted again', async () => {
  const result = await run({
    planRotation: async () => RETIRE,
    takeRotationStep: async () => false,
  })
  expect(result).toMatchObject({ rings: [{ retired: [] }] })
})

test('a step that fails for a moment is tried again', async () => {
  const takeRotationStep = failingOnce(true)
  const result = await run({ planRotation: async () => RETIRE, takeRotationStep })
  expect(result).toMatchObject({ rings: [{ retired: ['payload-a'] }] })
})

test('a ring that cannot be used fails the run, and no step is taken', async () => {
  const calls: Calls = []
  const planRotation = async () => {
    throw ApplicationFailure.nonRetryable('keys.json is no key ring', 'KeyRingBroken')
  }
  const workflowId = `secret-rotation:${randomUUID()}`
  const failed = rig.withWorker(QUEUE, noteCalls(calls, fakeSecretRotation({ planRotation })), () =>
    rig.client.workflow.execute('secretRotation', { taskQueue: QUEUE, workflowId, args: [{}] }),
  )
  await expect(failed).rejects.toMatchObject({
    cause: { type: 'KeyRingBroken', message: 'keys.json is no key ring' },
  })
  expect(calls.map(({ name }) => name)).not.toContain('takeRotationStep')
})

test('a cancelled rotation ends as cancelled, while its key waits', async () => {
  const looked = Promise.withResolvers<void>()
  const planRotation = async () => {
    looked.resolve()
    return { ...rotationPlan([], { isWaiting: true }), lookAgainMs: 600_000 }
  }
  await rig.withWorker(QUEUE, fakeSecretRotation({ planRotation }), async () => {
    const handle = rig.client.workflow.getHandle(await start())
    await looked.promise
    await handle.cancel()
    await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) })
  })
})

test('a rotation that hangs ends with its time', async () => {
  await rig.withWorker(
    QUEUE,
    fakeSecretRotation({
      planRotation: async () => ({
        ...rotationPlan([], { isWaiting: true }),
        lookAgainMs: 600_000,
      }),
    }),
    async () => {
      const handle = await rig.client.workflow.start('secretRotation', {
        taskQueue: QUEUE,
        workflowId: randomUUID(),
        args: [{}],
        workflowRunTimeout: '1 second',
      })
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'TimeoutFailure' } })
    },
  )
})

test('runs every day at 05:00 UTC, one at a time', () => {
  const job = findJob('secret-rotation')
  const options = job && desiredSchedule(job, { speed: 120, year: 2026 })?.options
  expect(options?.spec.calendars).toMatchObject([{ hour: { start: 5, end: 5 } }])
  expect([options?.spec.timezone, options?.policies?.overlap]).toEqual(['UTC', 'SKIP'])
})

describe('on a real server', () => {
  const REPLACED_AT = instantFromMs(Date.now())
  const keys = new ChangingKeys({ keys: [testKey('a')] })
  let server: TemporalRig

  beforeAll(async () => {
    server = await createTemporalRig(services().temporalAddress, undefined, keys)
    await applySchedules({ client: server.client }, { speed: 1 })
    // Not one of ours: somebody's own, in the same namespace.
    await server.client.schedule.create({
      scheduleId: 'own',
      spec: { intervals: [{ every: '1 day' }] },
      action: { type: 'startWorkflow', workflowType: 'own', taskQueue: 'own', args: [{ to: 'x' }] },
      memo: { by: 'somebody' },
      state: { paused: true, note: 'kept' },
    })
    keys.ring = {
      keys: [testKey('a', { state: 'replaced', replacedAt: REPLACED_AT }), testKey('b')],
    }
  })

  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  const scheduled = () =>
    server.client.workflowService
      .describeSchedule({ namespace: server.namespace, scheduleId: 'policy-expiration' })
      .then(({ schedule }) => schedule?.action?.startWorkflow?.input?.payloads?.[0]?.metadata)
      .then((metadata) => Buffer.from(metadata?.['encryption-key-id'] ?? []).toString())

  test('schedules are closed anew with the active key, and are as they were', async () => {
    const usage = createPayloadKeyUsage(server.client, keys)
    expect(await scheduled()).toBe('a')
    expect(await usage.reseal()).toBeGreaterThan(10)
    expect(await scheduled()).toBe('b')
    // The server tells of an update a moment after it took it.
    await expect.poll(() => usage.reseal(), { timeout: 10_000 }).toBe(0)
    const entries = await planSchedules({ client: server.client }, { speed: 1 })
    expect(new Set(entries.map(({ action }) => action))).toEqual(new Set(['unchanged']))
    const own = await server.client.schedule.getHandle('own').describe()
    expect(own.action).toMatchObject({ args: [{ to: 'x' }] })
    expect(own.state).toMatchObject({ paused: true, note: 'kept' })
  })

  test('a key is needed within the retention, by a kept run, and by a memo that cannot be changed', async () => {
    const usage = createPayloadKeyUsage(server.client, keys)
    const replacedBefore = (days: number, keyId: string) =>
      testKey(keyId, { state: 'replaced', replacedAt: addMs(REPLACED_AT, -days * DAY_MS) })
    // The namespace keeps runs for a day; use may be a day late.
    expect(await usage.needed([replacedBefore(1, 'c'), replacedBefore(3, 'd')])).toEqual(['c'])
    // The memo of `own` was closed with it.
    expect(await usage.needed([replacedBefore(3, 'a')])).toEqual(['a'])
    await server.client.schedule.getHandle('own').delete()
    await expect.poll(() => usage.needed([replacedBefore(3, 'a')]), { timeout: 5_000 }).toEqual([])
  })

  test('a run that is open since the key was in use keeps it, whatever its age', async () => {
    const handle = await server.client.workflow.start('policyExpiration', {
      taskQueue: 'nobody',
      workflowId: randomUUID(),
      args: [{}],
    })
    const usage = createPayloadKeyUsage(server.client, keys)
    // As if the run had begun before: what counts is that it began no later than a day after.
    const old = testKey('e', {
      state: 'replaced',
      replacedAt: addMs(instantFromMs(Date.now()), -DAY_MS + 60_000),
    })
    expect(await usage.needed([old])).toEqual(['e'])
    await handle.terminate()
  })
})
