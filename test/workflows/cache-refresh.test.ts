/** The refresh's run: parts that fail alone, retry, failure, cancellation, time-out. Activities are fakes. */
import { setTimeout as delay } from 'node:timers/promises'

import { Context } from '@temporalio/activity'
import { WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/common'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { CacheRefreshActivities } from '../../activities/cache-refresh.ts'
import { cacheRefreshResult } from '../../jobs/cache-refresh.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import {
  fakeCacheRefresh,
  noteCalls,
  refreshedPart,
  type Calls,
} from '../support/fake-activities.ts'
import { failingOnce } from '../support/history-cases.ts'
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

type Run = {
  readonly input?: Record<string, unknown>
  readonly calls?: Calls
  readonly operate?: (workflowId: string) => Promise<void>
}

async function refresh(
  change: Partial<CacheRefreshActivities> = {},
  { input = {}, calls = [], operate }: Run = {},
): Promise<unknown> {
  const activities = noteCalls(calls, fakeCacheRefresh(change))
  return rig.withWorker('monitoring', activities, async () => {
    const { workflowId } = await startJob(rig, { job: 'CACHE_REFRESH', input, trigger: 'cli' })
    await operate?.(workflowId)
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

/** What a failed run failed with. */
async function causeOf(run: Promise<unknown>): Promise<unknown> {
  const error: unknown = await run.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(WorkflowFailedError)
  return (error as WorkflowFailedError).cause // asserted above
}

const refused = async (): Promise<never> => {
  throw ApplicationFailure.nonRetryable('no such table', 'DatabaseRefused')
}

test('refreshes all parts and says what came of each', async () => {
  const result = await refresh()
  expect(cacheRefreshResult.safeParse(result).success).toBe(true)
  expect(result).toEqual({
    parts: [
      { part: 'flights', state: 'done', wanted: 4, refreshed: 4, failed: 0, error: null },
      { part: 'weather', state: 'done', wanted: 3, refreshed: 3, failed: 0, error: null },
      { part: 'airports', state: 'done', wanted: 0, refreshed: 0, failed: 0, error: null },
      { part: 'expired', state: 'done', wanted: 2, refreshed: 2, failed: 0, error: null },
      { part: 'timetable', state: 'done', wanted: 5, refreshed: 5, failed: 0, error: null },
    ],
  })
})

test('does only the parts that were asked for', async () => {
  const calls: Calls = []
  const result = await refresh({}, { input: { parts: ['expired', 'weather'] }, calls })
  expect(result).toMatchObject({ parts: [{ part: 'weather' }, { part: 'expired' }] })
  const names = calls.map(({ name }) => name)
  expect(names.toSorted()).toEqual(['refreshWeather', 'removeExpiredEntries'])
})

test('a part that fails leaves the others alone, and says why', async () => {
  const result = await refresh({
    refreshFlights: refused,
    refreshWeather: async () => refreshedPart(3, 1),
    refreshAirports: async () => refreshedPart(5, 5),
  })
  expect(result).toMatchObject({
    parts: [
      { part: 'flights', state: 'failed', error: 'no such table' },
      { part: 'weather', state: 'partly', refreshed: 2, error: 'UNAVAILABLE: no answer' },
      { part: 'airports', state: 'failed', refreshed: 0 },
      { part: 'expired', state: 'done' },
      { part: 'timetable', state: 'done' },
    ],
  })
})

test('looks at the timetable under a claim of its own', async () => {
  const calls: Calls = []
  await refresh({}, { input: { parts: ['flights', 'timetable'] }, calls })
  const claims = calls.map(({ input }) => (input as { claimedBy: string }).claimedBy) // both have one
  expect(new Set(claims).size).toBe(2)
})

test('tries a part again that failed for a moment', async () => {
  const result = await refresh({ refreshFlights: failingOnce(refreshedPart(4)) })
  expect(result).toMatchObject({ parts: [{ part: 'flights', state: 'done' }, {}, {}, {}, {}] })
})

test('fails when every part does', async () => {
  const all = { refreshFlights: refused, refreshWeather: refused, refreshAirports: refused }
  const rest = { removeExpiredEntries: refused, lookAtTimetable: refused }
  const cause = await causeOf(refresh({ ...all, ...rest }))
  expect(cause).toMatchObject({ type: 'RefreshFailed', nonRetryable: true })
  expect(String(cause)).toContain('weather: no such table')
})

test('refuses a part that there is not', async () => {
  const run = startJob(rig, { job: 'cache-refresh', input: { parts: ['x'] }, trigger: 'cli' })
  await expect(run).rejects.toThrow(/parts/)
})

/** A provider that never answers, until the step is cancelled. */
async function hanging(): Promise<never> {
  const context = Context.current()
  const beats = setInterval(() => context.heartbeat(), 100)
  try {
    return await context.cancelled
  } finally {
    clearInterval(beats)
  }
}

test('ends when it is cancelled, and does not take that for a failed part', async () => {
  const run = refresh(
    { refreshWeather: hanging },
    { operate: async (workflowId) => rig.client.workflow.getHandle(workflowId).cancel() as never },
  )
  expect(await causeOf(run)).toBeInstanceOf(CancelledFailure)
})

test('ends at its time when a part does not', async () => {
  const silent = async () => {
    await delay(3_000)
    return refreshedPart(1)
  }
  const run = rig.withWorker(
    'monitoring',
    fakeCacheRefresh({ refreshFlights: silent }),
    async () => {
      // As the job starts it, with less time.
      const handle = await rig.client.workflow.start('cacheRefresh', {
        taskQueue: 'monitoring',
        workflowId: 'cache-refresh:in-a-hurry',
        args: [{}],
        workflowExecutionTimeout: '2 seconds',
      })
      return handle.result()
    },
  )
  expect(await causeOf(run)).toBeInstanceOf(TimeoutFailure)
})
