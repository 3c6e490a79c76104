/** The run of one request: answered at once, after waits, or refused; and against a real book. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { privacyRequestResult } from '../../jobs/privacy-request.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { noteCalls, type Calls } from '../support/fake-activities.ts'
import { inTurn } from '../support/history-cases.ts'
import {
  COPIED,
  ERASED,
  fakePrivacyRequest,
  REQUEST_ID,
  TURNED_DOWN,
  WAITING,
} from '../support/privacy-histories.ts'
import { openPrivacyDesk, type PrivacyDesk } from '../support/privacy-desk.ts'
import { runOnce, testRunRules } from '../support/run-rules.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})
afterAll(() => rig[Symbol.asyncDispose]())

const JOB = 'privacy-request'
const INPUT = { requestId: REQUEST_ID }

test('a request that can be answered is answered at the first look', async () => {
  const calls: Calls = []
  const activities = noteCalls(calls, fakePrivacyRequest())
  const result = privacyRequestResult.parse(
    await runOnce(rig, { job: JOB, input: INPUT }, activities),
  )
  expect(result).toEqual({ requestId: REQUEST_ID, outcome: 'fulfilled', looks: 1, bytes: 4_000 })
  expect(calls).toEqual([{ name: 'answerRequest', input: INPUT }])
})

test('an erasure that is kept from being done waits and looks again', async () => {
  const answerRequest = inTurn(WAITING, ERASED)
  const result = await runOnce(
    rig,
    { job: JOB, input: INPUT },
    fakePrivacyRequest({ answerRequest }),
  )
  expect(result).toEqual({ requestId: REQUEST_ID, outcome: 'fulfilled', looks: 2, bytes: 0 })
})

test('a refusal ends the run as a success: it is an answer', async () => {
  const answerRequest = inTurn(TURNED_DOWN)
  const result = await runOnce(
    rig,
    { job: JOB, input: INPUT },
    fakePrivacyRequest({ answerRequest }),
  )
  expect(result).toEqual({ requestId: REQUEST_ID, outcome: 'refused', looks: 1 })
})

test.each([{}, { requestId: 'acct_1' }, { ...INPUT, holderRef: 'acct_1' }])(
  'refuses the input %j',
  async (input) => {
    await expect(startJob(rig, { job: JOB, input, trigger: 'cli' })).rejects.toThrow()
  },
)

testRunRules(() => rig, {
  job: JOB,
  input: INPUT,
  activities: (change) => ({ ...fakePrivacyRequest(), ...change }),
  step: 'answerRequest',
  answer: COPIED,
})

describe('over a real book', () => {
  let desk: PrivacyDesk
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'groundstop-privacy-'))
    desk = await openPrivacyDesk(folder)
  })
  afterAll(async () => {
    await desk[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('makes the copy, once, however often it is run', async () => {
    const { requestId } = await desk.receive('export', 'acct_1')
    const activities = desk.activities['privacy-request']
    const ran = { job: JOB, input: { requestId } }
    const first = await runOnce(rig, ran, activities)
    expect(first).toMatchObject({ outcome: 'fulfilled', looks: 1 })
    const made = await desk.find(requestId)
    expect(made).toMatchObject({ state: 'FULFILLED' })
    expect(await runOnce(rig, ran, activities)).toEqual(first)
    expect(await desk.find(requestId)).toEqual(made)
    expect(await readdir(join(folder, requestId))).toEqual(['export.json.sealed', 'manifest.json'])
  })

  test('fails for good on a request that is not there', async () => {
    const failed = runOnce(rig, { job: JOB, input: INPUT }, desk.activities['privacy-request'])
    await expect(failed).rejects.toMatchObject({ cause: { type: 'NotFound' } })
  })
})
