/** The status and the metrics page, while a real worker carries runs out. */
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { MaintenanceActivities } from '../../activities/maintenance.ts'
import type { JobQueue } from '../../jobs/define-job.ts'
import { services } from '../support/services.ts'
import { fakeJobPlaces } from '../support/fake-activities.ts'
import { testBundle } from '../support/workflow-bundle.ts'
import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

const JOBS = '/api/admin/scheduler/jobs'
const STATUS = '/api/admin/scheduler/status'
const QUEUE: JobQueue = 'maintenance'

let rig: ApiRig
let native: NativeConnection

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    shutdownSignals: [],
    workerHeartbeatInterval: '1s',
    telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
  })
  rig = await createApiRig()
  native = await NativeConnection.connect({ address: services().temporalAddress })
})
afterAll(async () => {
  await native.close()
  await rig[Symbol.asyncDispose]()
})

type Report = Awaited<ReturnType<MaintenanceActivities['maintainDatabase']>>

const REPORT: Report = { task: 'analyze', done: [], skipped: [], bytesBefore: 0, bytesAfter: 0 }

/** Serves the maintenance queue while `work` is done; each task does what the test says. */
async function withWorker<T>(
  tasks: Partial<Record<Report['task'], (attempt: number) => Promise<void> | void>>,
  work: () => Promise<T>,
): Promise<T> {
  const attempts = new Map<string, number>()
  const worker = await Worker.create({
    connection: native,
    namespace: rig.namespace,
    taskQueue: QUEUE,
    workflowBundle: await testBundle(),
    maxConcurrentActivityTaskExecutions: 4,
    shutdownGraceTime: '1s',
    activities: {
      ...fakeJobPlaces(),
      maintainDatabase: async ({ task }: { task: Report['task'] }): Promise<Report> => {
        const attempt = (attempts.get(task) ?? 0) + 1
        attempts.set(task, attempt)
        await tasks[task]?.(attempt)
        return { ...REPORT, task }
      },
    },
  })
  return worker.runUntil(work)
}

async function start(task: string): Promise<string> {
  const answer = await rig.ask('POST', JOBS, { body: { type: 'MAINTENANCE', payload: { task } } })
  expect(answer.status).toBe(201)
  return (answer.body as { id: string }).id
}

async function untilStatus(id: string, status: string): Promise<unknown> {
  return eventually(async () => {
    const { body } = await rig.ask('GET', `${JOBS}/${encodeURIComponent(id)}`)
    expect(body).toMatchObject({ status })
    return body
  })
}

async function scrape(): Promise<string> {
  const response = await fetch(`${rig.api.metricsUrl}/metrics`)
  expect(response.status).toBe(200)
  return response.text()
}

/** Scrapes until the page has the sample with this value. */
async function untilSample(sample: string, value: number): Promise<void> {
  await eventually(async () => {
    expect((await scrape()).split('\n')).toContain(`${sample} ${value}`)
  })
}

describe('status', () => {
  it('is degraded, with the work piling up, when nobody works', async () => {
    const id = await start('vacuum')
    await eventually(async () => {
      const { body } = await rig.ask('GET', STATUS)
      expect(body).toMatchObject({
        status: 'degraded',
        activeJobs: 1,
        queueSize: 1,
        workers: { available: 0, busy: 0, total: 0 },
        uptime: '0d 0h 0m',
      })
      const { queues } = body as { queues: { name: string; byPriority: unknown }[] }
      expect(queues.find(({ name }) => name === QUEUE)).toMatchObject({
        size: 1,
        workers: 0,
        byPriority: { LOW: 1, MEDIUM: 0, HIGH: 0, CRITICAL: 0 },
      })
    })
    await untilSample('task_scheduler_queue_size{priority="LOW"}', 1)
    await rig.client.workflow.getHandle(id).terminate('test')
  })

  it('counts the slots of live workers, busy while a step runs', async () => {
    let finish = () => {}
    const isOver = new Promise<void>((resolve) => {
      finish = resolve
    })
    await withWorker({ reindex: () => isOver }, async () => {
      const id = await start('reindex')
      await eventually(async () => {
        const { body } = await rig.ask('GET', STATUS)
        expect(body).toMatchObject({
          status: 'running',
          workers: { available: 3, busy: 1, total: 4 },
          workerProcesses: 1,
        })
      })
      await untilSample('task_scheduler_worker_slots{state="busy"}', 1)
      await untilSample(`task_scheduler_active_workers{queue="${QUEUE}"}`, 1)
      finish()
      await untilStatus(id, 'success')
    })
  })
})

describe('a finished run', () => {
  it('shows its result and is counted once', async () => {
    await withWorker({}, async () => {
      const id = await start('analyze')
      expect(await untilStatus(id, 'success')).toMatchObject({ result: REPORT, error: null })
    })
    const completed = 'task_scheduler_jobs_completed_total{job_type="MAINTENANCE",status="success"}'
    const before = await eventually(async () => {
      const value = sampleOf(await scrape(), completed)
      expect(value).toBeGreaterThan(0)
      return value
    })
    expect(sampleOf(await scrape(), completed)).toBe(before)
    const page = await scrape()
    expect(page).toContain(
      'task_scheduler_job_duration_seconds_bucket{le="300",job_type="MAINTENANCE"}',
    )
    expect(
      sampleOf(page, 'task_scheduler_jobs_enqueued_total{job_type="MAINTENANCE",priority="LOW"}'),
    ).toBeGreaterThan(0)
  })

  it('shows why it failed, and retries are counted', async () => {
    const fail = (attempt: number) => {
      if (attempt === 1) throw ApplicationFailure.retryable('again', 'DatabaseUnavailable')
      throw ApplicationFailure.nonRetryable('the disk is full', 'DatabaseRefused')
    }
    await withWorker({ vacuum: fail }, async () => {
      const id = await start('vacuum')
      expect(await untilStatus(id, 'failed')).toMatchObject({
        result: null,
        error: { type: 'DatabaseRefused', message: 'the disk is full' },
      })
    })
    await untilSample(
      'task_scheduler_jobs_failed_total{job_type="MAINTENANCE",error="DatabaseRefused"}',
      1,
    )
    await untilSample(
      'task_scheduler_jobs_retried_total{job_type="MAINTENANCE",retry_count="1"}',
      1,
    )
  })
})

describe('the metrics page', () => {
  it('has the business gauges from the database', async () => {
    const page = await scrape()
    expect(sampleOf(page, 'groundstop_coverage_incidents_open')).toBe(0)
    expect(sampleOf(page, 'groundstop_legs_in_window')).toBe(0)
  })

  it('has nothing at other paths', async () => {
    expect((await fetch(`${rig.api.metricsUrl}/`)).status).toBe(404)
    expect((await fetch(`${rig.api.metricsUrl}/metrics`, { method: 'POST' })).status).toBe(405)
  })
})

function sampleOf(page: string, sample: string): number {
  const line = page.split('\n').find((one) => one.startsWith(`${sample} `))
  return line === undefined ? Number.NaN : Number(line.slice(sample.length + 1))
}
