/** Redrives through the doors, on a real server: one run for each dead one, whoever asks how often. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { projectRuns, type ProjectionDeps } from '../../operations/project-runs.ts'
import { fakeFlightMonitor } from '../support/fake-activities.ts'
import { projectionDeps } from '../support/projection-deps.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const LETTERS = '/api/admin/scheduler/dead-letters'
const NOTE = { by: 'user:ana', reason: 'mended' }

let api: ApiRig
let workers: TemporalRig
let deps: ProjectionDeps

beforeAll(async () => {
  api = await createApiRig()
  workers = await createTemporalRig(services().temporalAddress, api.namespace)
  deps = projectionDeps(api.client, api.database.db)
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

/** A run around our doors whose input no schema takes, failed; or one that a step failed. */
async function dead(input: unknown): Promise<string> {
  const refusing = fakeFlightMonitor({
    findPolicyLeg: async () => {
      const { ApplicationFailure } = await import('@temporalio/common')
      throw ApplicationFailure.nonRetryable('no such policy', 'NotFound')
    },
  })
  return workers.withWorker('monitoring', refusing, async () => {
    const handle = await api.client.workflow.start('flightMonitor', {
      args: [input],
      taskQueue: 'monitoring',
      workflowId: `flight-monitor:${randomUUID()}`,
    })
    await expect(handle.result()).rejects.toThrow()
    const runId = handle.firstExecutionRunId
    await eventually(async () => {
      await projectRuns(deps, { isFull: true })
      expect((await api.ask('GET', `${LETTERS}/${runId}`)).status).toBe(200)
    })
    return runId
  })
}

function redrive(body: Record<string, unknown>) {
  return api.ask('POST', `${LETTERS}/redrive`, { body: { ...NOTE, ...body } })
}

type Done = { items: Record<string, unknown>[]; isMore: boolean }

describe('redrive', () => {
  it('shows what the run was given before it does anything', async () => {
    const runId = await dead({ policyId: 'P-show' })
    const shown = await api.ask('GET', `${LETTERS}/${runId}`)
    expect(shown.body).toMatchObject({
      errorType: 'NotFound',
      input: { policyId: 'P-show' },
      effects: [],
      moneyAtRisk: [],
    })
    const dry = await redrive({ filter: { runIds: [runId] }, dryRun: true })
    expect(dry.body).toMatchObject({ items: [{ runId, outcome: 'would-redrive' }] })
    expect((await api.ask('GET', `${LETTERS}/${runId}`)).body).toMatchObject({ state: 'OPEN' })
  })

  it('starts one run that names the dead one, however often it is asked', async () => {
    const runId = await dead({ policyId: 'P-once' })
    const filter = { runIds: [runId] }
    const answers = await Promise.all([redrive({ filter }), redrive({ filter })])
    answers.push(await redrive({ filter }))
    const started = answers.map(({ body }) => (body as Done).items[0]?.['redrivenRunId'])
    expect(new Set(started).size).toBe(1)
    const handle = api.client.workflow.getHandle('flight-monitor:P-once')
    const { memo, runId: newRunId } = await handle.describe()
    expect(memo).toMatchObject({ redriveOf: runId, trigger: 'redrive' })
    expect(started[0]).toBe(newRunId)
  })

  it('refuses an input that the job would refuse, and takes a mended one', async () => {
    const runId = await dead({ policy: 'misspelt' })
    const filter = { runIds: [runId] }
    const refused = await redrive({ filter })
    expect(refused.body).toMatchObject({
      items: [{ outcome: 'refused', reason: expect.stringContaining('policy: no such field') }],
    })
    const mended = await redrive({ filter, input: { policyId: 'P-mended' } })
    expect(mended.body).toMatchObject({
      items: [{ outcome: 'redriven', redrivenWorkflowId: 'flight-monitor:P-mended' }],
    })
  })

  it('never joins a run that is open already', async () => {
    const runId = await dead({ policyId: 'P-open' })
    await api.client.workflow.start('flightMonitor', {
      args: [{ policyId: 'P-open' }],
      taskQueue: 'monitoring',
      workflowId: 'flight-monitor:P-open',
    })
    const answer = await redrive({ filter: { runIds: [runId] } })
    expect(answer.body).toMatchObject({ items: [{ outcome: 'refused' }] })
    expect((await api.ask('GET', `${LETTERS}/${runId}`)).body).toMatchObject({ state: 'OPEN' })
  })

  it('shows which letters of one version and time it would take, and leaves the others', async () => {
    const [first, second] = [await dead({ policyId: 'P-v1' }), await dead({ policyId: 'P-v2' })]
    const letterOf = async (runId: string) =>
      (await api.ask('GET', `${LETTERS}/${runId}`)).body as { version: string; diedAt: string }
    const { version, diedAt } = await letterOf(second)
    expect(version).toMatch(/\S/) // the worker's build, as the server has written it down
    expect((await letterOf(first)).version).toBe(version)
    const wouldTake = async (filter: Record<string, unknown>) => {
      const answer = await redrive({ filter, dryRun: true })
      return (answer.body as Done).items.map((one) => one['runId'])
    }
    const after = await wouldTake({ version, failedAfter: diedAt })
    expect(after).toContain(second)
    expect(after).not.toContain(first)
    const before = await wouldTake({ version, failedBefore: diedAt })
    expect(before).toContain(first)
    expect(before).not.toContain(second)
    expect(await wouldTake({ version: 'other', failedAfter: '2020-01-01T00:00:00Z' })).toEqual([])
    const query = new URLSearchParams({ failedAfter: diedAt, version })
    const listed = await api.ask('GET', `${LETTERS}?${query.toString()}`)
    expect(JSON.stringify(listed.body)).toContain(second)
    expect(JSON.stringify(listed.body)).not.toContain(first)
  })

  it.each([
    [{ filter: {} }, 'filter'],
    [{ filter: { failedAfter: 'yesterday' } }, 'filter.failedAfter'],
    [{ filter: { job: 'flight-monitor' }, ratePerS: 1, limit: 100 }, 'ratePerS'],
    [{ filter: { job: 'flight-monitor' }, limit: 101 }, 'limit'],
    [{ filter: { runIds: ['x'] } }, 'filter.runIds.0'],
  ])('refuses %j and names %s', async (body, path) => {
    const answer = await redrive(body)
    expect(answer.status).toBe(422)
    const { errors } = answer.body as { errors: { path: string }[] }
    expect(errors.map((one) => one.path)).toContain(path)
  })

  it('refuses one input for many runs', async () => {
    await dead({ policyId: 'P-many-1' })
    await dead({ policyId: 'P-many-2' })
    const filter = { errorType: 'NotFound' }
    const answer = await redrive({ filter, input: { policyId: 'P-any' } })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'input' }] } })
  })
})

it('the command line shows what a redrive by filter would take', async () => {
  const runId = await dead({ policyId: 'P-cli' })
  const ask = ['redrive', '--error-type', 'NotFound', '--failed-after', '2020-01-01T00:00:00Z']
  const args = [CLI, 'dead-letters', ...ask, '--reason', 'tried', '--dry-run']
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: {
      PATH: process.env['PATH'],
      GROUNDSTOP_HOME: tmpdir(),
      DATABASE_URL: api.database.url,
      TEMPORAL_ADDRESS: services().temporalAddress,
      TEMPORAL_NAMESPACE: api.namespace,
    },
  })
  expect(stdout).toMatch(new RegExp(`${runId} +would-redrive`))
})

describe('discard', () => {
  it('closes all that fit, and only them', async () => {
    const runId = await dead({ policyId: 'P-discard' })
    const other = await dead({ nonsense: true })
    const body = { ...NOTE, filter: { errorType: 'NotFound' } }
    const { body: done } = await api.ask('POST', `${LETTERS}/discard`, { body })
    const { items } = done as Done
    expect(items).toContainEqual(expect.objectContaining({ runId, outcome: 'discarded' }))
    expect(items.map((one) => one['runId'])).not.toContain(other)
    const listed = await api.ask('GET', `${LETTERS}?state=OPEN`)
    expect(JSON.stringify(listed.body)).not.toContain(runId)
    expect(JSON.stringify(listed.body)).toContain(other)
  })
})
