/** Starts that queue, on a real server and database: `report` runs of one month take turns. */
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { Context } from '@temporalio/activity'
import { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createTurnsActivities } from '../../activities/turns.ts'
import { createJobTurnStore } from '../../db/stores/job-turn-store.ts'
import { DEFAULT_TERMS } from '../../jobs/job-environments.ts'
import { JobQueueFullError, startJob } from '../../platform/temporal/job-starter.ts'
import { createOpenRuns } from '../../platform/temporal/open-runs.ts'
import { createRunRedriver } from '../../platform/temporal/run-redriver.ts'
import { createRunSource } from '../../platform/temporal/run-source.ts'
import { fakeReport, written } from '../support/analytics-histories.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'
import type { WorkflowBundle } from '../../workers/bundle.ts'

let rig: TemporalRig
let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

type What = 'usage' | 'audit' | 'performance'

function start(period: string, what: What): Promise<{ workflowId: string; runId: string }> {
  return startJob(rig, { job: 'report', input: { what: [what], period }, trigger: 'cli' })
}

type Step = { readonly report: string; readonly period: string }

/** Works on reports while `work` goes on. `write` ends early when its worker stops. */
function withReports<T>(
  write: (step: Step) => Promise<unknown>,
  work: () => Promise<T>,
  workflowBundle?: WorkflowBundle,
) {
  const activities = {
    ...fakeReport({
      planReports: async ({ period }: { period: string }) => ({ period, settlesInMs: null }),
      writeReport: async (step: Step) => {
        await Promise.race([write(step), Context.current().cancelled])
        return written(step.report, step.period)
      },
    }),
    ...createTurnsActivities({
      turns: createJobTurnStore(database.db),
      openRuns: createOpenRuns(rig.client),
    }),
  }
  return rig.withWorker(
    'reports',
    activities,
    work,
    workflowBundle === undefined ? {} : { workflowBundle },
  )
}

async function stateOf(workflowId: string): Promise<string | null | undefined> {
  const { runId } = await rig.client.workflow.getHandle(workflowId).describe()
  return (await createRunSource(rig.client).find({ workflowId, runId }))?.state
}

const untilWaiting = (workflowId: string) =>
  expect.poll(() => stateOf(workflowId), { timeout: 20_000 }).toBe('waiting')

const resultOf = (workflowId: string) => rig.client.workflow.getHandle(workflowId).result()

describe('runs of one month', () => {
  test('are at work one after the other, in the order of their starts', async () => {
    const period = '2012-01'
    const order: string[] = []
    let atWork = 0
    const write = async ({ report }: Step) => {
      atWork += 1
      order.push(`${report} ${atWork}`)
      await setTimeout(300)
      atWork -= 1
    }
    const wanted = ['performance', 'usage', 'audit'] as const
    const ids: string[] = []
    for (const what of wanted) ids.push((await start(period, what)).workflowId)
    expect(ids).toEqual([1, 2, 3].map((n) => `report:${period}${n === 1 ? '' : `:${n}`}`))
    await withReports(write, async () => {
      await untilWaiting(ids[2] ?? '')
      await Promise.all(ids.map(resultOf))
      expect(await stateOf(ids[2] ?? '')).toBeNull()
    })
    expect(order).toEqual(wanted.map((what) => `${what} 1`))
  })

  test('go on after their worker stopped, and past one that was cancelled and one that was stopped at work', async () => {
    const period = '2012-02'
    const began: string[] = []
    let isOpen = false
    const write = async ({ report }: Step) => {
      began.push(report)
      if (!isOpen) await new Promise(() => undefined)
    }
    const first = await start(period, 'usage')
    const second = await start(period, 'audit')
    const third = await start(period, 'performance')
    await withReports(write, async () => {
      await Promise.all([second, third].map(({ workflowId }) => untilWaiting(workflowId)))
      await expect.poll(() => began, { timeout: 20_000 }).toEqual(['usage'])
      await rig.client.workflow.getHandle(second.workflowId).cancel()
      await expect(resultOf(second.workflowId)).rejects.toBeInstanceOf(WorkflowFailedError)
    })
    expect(new Set(began)).toEqual(new Set(['usage']))
    // The next free id is in the middle; its turn is at the end.
    const fourth = await start(period, 'audit')
    expect(fourth.workflowId).toBe(second.workflowId)
    began.length = 0
    isOpen = true
    await rig.client.workflow.getHandle(first.workflowId).terminate('the machine is gone')
    await withReports(write, () =>
      Promise.all([third, fourth].map((run) => resultOf(run.workflowId))),
    )
    expect(began).toEqual(['performance', 'audit'])
  })

  test('are one at work and ten that wait, of twenty starts at once; the others are told so', async () => {
    const period = '2012-03'
    const starts = await Promise.allSettled(
      Array.from({ length: 20 }, () => start(period, 'usage')),
    )
    const started = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const refused = starts.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(new Set(started.map(({ workflowId }) => workflowId)).size).toBe(11)
    expect(started).toHaveLength(11)
    expect(refused).toHaveLength(9)
    for (const reason of refused) expect(reason).toBeInstanceOf(JobQueueFullError)
    expect(String(refused[0])).toContain(`10 starts wait behind report:${period} already`)
    // Room for one again.
    await rig.client.workflow.getHandle(`report:${period}:7`).terminate('not wanted any more')
    expect((await start(period, 'audit')).workflowId).toBe(`report:${period}:7`)
  })

  test('that are redriven take a turn, and a second redrive of one is the first', async () => {
    const period = '2012-04'
    await start(period, 'usage')
    const redriver = createRunRedriver({ client: rig.client, terms: DEFAULT_TERMS })
    const input = { what: ['audit'], period }
    const redriveOf = 'a8b6c1a0-2f0e-4d1c-8a37-6f1f3f0e9c01'
    const one = await redriver.start({ job: 'report', input, redriveOf })
    expect(one).toMatchObject({ kind: 'started', workflowId: `report:${period}:2` })
    expect(await redriver.start({ job: 'report', input, redriveOf })).toEqual(one)
  })
})

describe('the time of a run', () => {
  const LIMIT_MS = 4_000

  /** The bundle of the present sources, but that an attempt at a report has these few seconds. */
  async function hurriedBundle(folder: string): Promise<WorkflowBundle> {
    const code = await readFile((await testBundle()).codePath, 'utf8')
    const declaration = /(name: 'report',[^]*?timeoutMs: )30 \* \S+MINUTE_MS/
    expect(code).toMatch(declaration)
    const codePath = join(folder, 'hurried.js')
    await writeFile(codePath, code.replace(declaration, `$1${LIMIT_MS}`))
    return { codePath }
  }

  test('counts from its turn: who waits longer than it may work still works', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'groundstop-turns-'))
    const lasts: Readonly<Record<string, number>> = { usage: 2_300, performance: 2_300, audit: 100 }
    const waitedMs = new Map<string, number>()
    const [month, other] = ['2012-05', '2012-06']
    const startedAt = Date.now()
    const write = async ({ report, period }: Step) => {
      if (period === other) await new Promise(() => undefined)
      waitedMs.set(report, Date.now() - startedAt)
      await setTimeout(lasts[report])
    }
    const ids: string[] = []
    for (const what of ['usage', 'performance', 'audit'] as const) {
      ids.push((await start(month, what)).workflowId)
    }
    const endless = await start(other, 'usage')
    await withReports(
      write,
      async () => {
        await Promise.all(ids.map(resultOf))
        const { workflowId, runId } = endless
        // Its first attempt; the next one has its own time.
        const attempt = rig.client.workflow.getHandle(workflowId, runId)
        const failure = async () => {
          const { events } = await attempt.fetchHistory()
          return events?.at(-1)?.workflowExecutionFailedEventAttributes?.failure
        }
        await expect.poll(failure, { timeout: 20_000 }).toMatchObject({
          message: 'report took longer than 4 s',
          applicationFailureInfo: { type: 'RunTimeout' },
        })
      },
      await hurriedBundle(folder.path),
    )
    expect(waitedMs.get('audit')).toBeGreaterThan(LIMIT_MS)
  })
})
