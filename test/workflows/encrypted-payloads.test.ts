/** Runs with encrypted payloads on a real server: what it sees, what doors read, bad input, lost keys. */
import { randomUUID } from 'node:crypto'

import { Client, WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { DEFAULT_TERMS } from '../../jobs/job-environments.ts'
import { payloadConverter } from '../../platform/temporal/payload-codec.ts'
import { progressOf } from '../../platform/temporal/run-progress.ts'
import { createRunRedriver } from '../../platform/temporal/run-redriver.ts'
import { createRunSource } from '../../platform/temporal/run-source.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { planSchedules } from '../../platform/temporal/schedules-plan.ts'
import { readJobRun } from '../../platform/temporal/job-runs.ts'
import { describeFailure } from '../../platform/temporal/runs.ts'
import { fakePayout, fakePolicyExpiration } from '../support/fake-activities.ts'
import { ChangingKeys, testKey } from '../support/payload-keys.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const ONE = { keys: [testKey('one')] }
const ROTATED = { keys: [testKey('one', { state: 'replaced' }), testKey('two')] }

const keys = new ChangingKeys(ONE)
let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress, undefined, keys)
  await testBundle({ failures: 'encoded' })
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

/** A client of the same server with other keys. */
function clientWith(others: ChangingKeys | null): Client {
  const { connection } = rig.client
  const dataConverter = payloadConverter(others)
  return new Client({ connection, namespace: rig.namespace, dataConverter })
}

/** Everything that the server has of a run, with its payloads' bytes as text. */
async function seenByServer(workflowId: string): Promise<string> {
  const { workflowService } = rig.client
  const run = { namespace: rig.namespace, execution: { workflowId } }
  const { history } = await workflowService.getWorkflowExecutionHistory(run)
  const description = await workflowService.describeWorkflowExecution(run)
  return JSON.stringify([history, description]).replaceAll(
    /"(encoding|encryption-key-id|data)":"([A-Za-z0-9+/=]*)"/g,
    (_all, name: string, bytes: string) =>
      `"${name}":"${Buffer.from(bytes, 'base64').toString('latin1')}"`,
  )
}

/** Which of the texts the server has of a run. */
async function shownOf(workflowId: string, texts: readonly string[]): Promise<string[]> {
  const seen = await seenByServer(workflowId)
  return texts.filter((text) => seen.includes(text))
}

test('the server sees neither input, result, memo nor words of a run', async () => {
  const batchId = randomUUID()
  const { workflowId } = await rig.withWorker('payouts', fakePayout(), async () => {
    const started = await startJob(
      { client: rig.client },
      { job: 'payout', input: { batchId }, trigger: 'api' },
    )
    await rig.client.workflow.getHandle(started.workflowId).result()
    return started
  })
  const secrets = ['batchId', 'settled', 'Pays', 'approved']
  expect(await shownOf(workflowId, ['binary/encrypted', ...secrets])).toEqual(['binary/encrypted'])
  const read = await readJobRun(rig.client, workflowId)
  expect(read).toMatchObject({ input: { batchId }, result: { settled: 10 } })
  const redriver = createRunRedriver({ client: rig.client, terms: DEFAULT_TERMS })
  const { runId, memo } = await rig.client.workflow.getHandle(workflowId).describe()
  expect(memo).toMatchObject({ input: { batchId }, trigger: 'api' })
  expect(await redriver.readInput({ workflowId, runId })).toEqual({ batchId })
})

describe('a run that fails', () => {
  const words = 'the payee Ada Lovelace is unknown'
  let workflowId: string
  let runId: string

  beforeAll(async () => {
    workflowId = randomUUID()
    const failing = fakePolicyExpiration({
      expirePolicies: async () => {
        throw ApplicationFailure.nonRetryable(words, 'PayeeUnknown')
      },
    })
    await rig.withWorker('maintenance', failing, async () => {
      const handle = await rig.client.workflow.start('policyExpiration', {
        taskQueue: 'maintenance',
        workflowId,
        args: [{}],
      })
      runId = handle.firstExecutionRunId
      await handle.result().catch(() => undefined) // its failure is what is looked at
    })
  })

  test('shows the server its type and not its words', async () => {
    const texts = ['PayeeUnknown', 'Encoded failure', 'Lovelace', 'stack_trace']
    expect(await shownOf(workflowId, texts)).toEqual(['PayeeUnknown', 'Encoded failure'])
  })

  test('shows its words to whoever has the key', async () => {
    const end = await createRunSource(rig.client).readEnd({ workflowId, runId })
    expect(end).toMatchObject({ type: 'PayeeUnknown', message: words })
    const error: unknown = await rig.client.workflow
      .getHandle(workflowId)
      .result()
      .catch((failure: unknown) => failure)
    expect(describeFailure(error)).toContain(words)
  })

  test('is listed, and ends with the name of the key, for whoever has it not', async () => {
    const source = createRunSource(clientWith(null))
    const { runs } = await source.list({ kind: 'all' }, null)
    expect(runs.map((run) => run.workflowId)).toContain(workflowId)
    expect(await source.readEnd({ workflowId, runId })).toMatchObject({
      type: 'PayeeUnknown',
      message: expect.stringContaining('encrypted with key one, which this process does not have'),
    })
  })
})

test('bad input is refused at once, with reasons that are read without a key: they name fields alone', async () => {
  const plain = clientWith(null)
  const error: unknown = await rig.withWorker('payouts', fakePayout(), () =>
    plain.workflow
      .execute('payout', {
        taskQueue: 'payouts',
        workflowId: randomUUID(),
        args: [{ bad: 'Lovelace' }],
      })
      .catch((failure: unknown) => failure),
  )
  if (!(error instanceof WorkflowFailedError)) throw new Error('the run did not fail')
  expect(error.cause).toMatchObject({ type: 'InvalidInput' })
  expect(error.cause?.message).toMatch(/^payout: invalid input: .*bad: no such field/)
  expect(error.cause?.message).not.toContain('Lovelace')
})

test('why a step failed is told of an open run to whoever has the key', async () => {
  const tried = Promise.withResolvers<void>()
  const failing = fakePayout({
    approvePayouts: async () => {
      tried.resolve()
      throw ApplicationFailure.retryable('the payee Ada Lovelace is away', 'PayeeAway')
    },
  })
  await rig.withWorker('payouts', failing, async () => {
    const handle = await rig.client.workflow.start('payout', {
      taskQueue: 'payouts',
      workflowId: randomUUID(),
      args: [{ batchId: randomUUID() }],
    })
    await tried.promise
    await expect
      .poll(async () => (await progressOf(rig.client, await handle.describe()))?.steps)
      .toMatchObject([{ step: 'approvePayouts', lastFailure: 'the payee Ada Lovelace is away' }])
    await handle.terminate('seen')
  })
})

test('plain input, as the `temporal` command sends it, is taken beside encrypted', async () => {
  const plain = new Client({ connection: rig.client.connection, namespace: rig.namespace })
  const workflowId = randomUUID()
  await rig.withWorker('payouts', fakePayout(), async () => {
    await plain.workflow.start('payout', {
      taskQueue: 'payouts',
      workflowId,
      args: [{ batchId: randomUUID() }],
    })
    expect(await rig.client.workflow.getHandle(workflowId).result()).toMatchObject({ settled: 10 })
  })
})

test('without the key a result cannot be read, and the key is named', async () => {
  const workflowId = randomUUID()
  await rig.withWorker('payouts', fakePayout(), () =>
    rig.client.workflow.execute('payout', {
      taskQueue: 'payouts',
      workflowId,
      args: [{ batchId: randomUUID() }],
    }),
  )
  const read = (others: ChangingKeys | null) =>
    clientWith(others).workflow.getHandle(workflowId).result()
  await expect(read(null)).rejects.toThrow(/key one, which this process does not have/)
  await expect(read(new ChangingKeys({ keys: [testKey('two')] }))).rejects.toThrow(/key one/)
  const material = testKey('three').material
  const wrong = new ChangingKeys({ keys: [testKey('one', { material })] })
  await expect(read(wrong)).rejects.toThrow(/does not open with key one/)
})

test('a run in flight goes on while its key is replaced by another', async () => {
  const mayGoOn = Promise.withResolvers<void>()
  const isThere = Promise.withResolvers<void>()
  const slow = fakePayout({
    approvePayouts: async (...args) => {
      isThere.resolve()
      await mayGoOn.promise
      return fakePayout().approvePayouts(...args)
    },
  })
  const workflowId = `payout:${randomUUID()}`
  await rig.withWorker('payouts', slow, async () => {
    const handle = await rig.client.workflow.start('payout', {
      taskQueue: 'payouts',
      workflowId,
      args: [{ batchId: randomUUID() }],
    })
    await isThere.promise
    keys.ring = ROTATED
    mayGoOn.resolve()
    expect(await handle.result()).toMatchObject({ settled: 10 })
  })
  const ids = ['"encryption-key-id":"one"', '"encryption-key-id":"two"']
  expect(await shownOf(workflowId, ids)).toEqual(ids)
})

test('schedules carry encrypted inputs; their own memo is words of the registry, readable', async () => {
  await applySchedules({ client: rig.client }, { speed: 1 })
  const entries = await planSchedules({ client: rig.client }, { speed: 1 })
  expect(new Set(entries.map(({ action }) => action))).toEqual(new Set(['unchanged']))
  const { schedule, memo } = await rig.client.workflowService.describeSchedule({
    namespace: rig.namespace,
    scheduleId: 'policy-expiration',
  })
  const encodings = (schedule?.action?.startWorkflow?.input?.payloads ?? []).map((payload) =>
    Buffer.from(payload.metadata?.['encoding'] ?? []).toString(),
  )
  expect(encodings).toEqual(['binary/encrypted'])
  expect(Buffer.from(memo?.fields?.['managedBy']?.data ?? []).toString()).toBe('"groundstop"')
})
