/** `npm run test:scheduler` against an API whose worker and projection do their real work. */
import { setTimeout as pause } from 'node:timers/promises'

import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createMaintenanceActivities } from '../../activities/maintenance.ts'
import { createDatabaseCare } from '../../db/stores/database-care.ts'
import { projectRuns } from '../../operations/project-runs.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { SchedulerTestError, testScheduler } from '../../scripts/test-scheduler.ts'
import { projectionDeps } from '../support/projection-deps.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

let api: ApiRig
let workers: TemporalRig

beforeAll(async () => {
  api = await createApiRig()
  workers = await createTemporalRig(services().temporalAddress, api.namespace)
  await applySchedules(api, { speed: 1 })
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

it('goes through status, run, switches, dead letter and redrive, and leaves switches as they were', async () => {
  const { db } = api.database
  const activities = createMaintenanceActivities({ databaseCare: createDatabaseCare(db) })
  const said: string[] = []
  await workers.withWorker('maintenance', activities, async () => {
    await eventually(async () => {
      const { body } = await api.ask('GET', '/api/admin/scheduler/status')
      expect(body).toMatchObject({ status: 'running' })
    })
    const projection = projectionDeps(api.client, db)
    const door = { url: api.api.url, say: (line: string) => void said.push(line) }
    let isOver = false
    const passes = async (): Promise<void> => {
      while (!isOver) {
        await projectRuns(projection, { isFull: true })
        await pause(500)
      }
    }
    await Promise.all([testScheduler(door).finally(() => (isOver = true)), passes()])
  })
  expect(said.map((line) => line.split(':')[0])).toEqual([
    ...['status', 'run now', 'schedule', 'queue', 'dead letter', 'redrive'],
  ])
  const { rows } = await sql<{ action: string }>`
    select distinct action from audit_event where actor = 'npm run test:scheduler'
    order by action`.execute(db)
  expect(rows.map(({ action }) => action)).toEqual(
    expect.arrayContaining([
      ...['queue.paused', 'queue.resumed', 'schedule.disabled', 'schedule.enabled'],
    ]),
  )
}, 120_000)

it('fails where nobody works, and says so', async () => {
  const door = { url: api.api.url, say: () => undefined, patienceMs: 100 }
  const failed = await testScheduler(door).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(SchedulerTestError)
})
