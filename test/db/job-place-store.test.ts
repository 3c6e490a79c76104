/** Who gets a place, and when it may begin, as the store grants it. */
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { createJobPlaces } from '../../db/stores/job-place-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { JOBS_LIMITS, type LimitsInForce } from '../../domain/job-limits.ts'
import type { AskedPlace, JobPlaces } from '../../domain/ports/job-places.ts'
import type { ShownJobLimits } from '../../operations/read-job-limits.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { runCommand } from '../support/read-commands.ts'

let database: TestDatabase
let places: JobPlaces

beforeAll(async () => {
  database = await createTestDatabase()
  places = createJobPlaces(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())
afterEach(async () => {
  await sql`delete from job_place`.execute(database.db)
  await sql`delete from job_gate`.execute(database.db)
})

const LIFTED: LimitsInForce = { concurrent: null, startEveryMs: null }
const TWO_AT_ONCE: LimitsInForce = { concurrent: 2, startEveryMs: null }
const FOUR_A_SECOND: LimitsInForce = { concurrent: null, startEveryMs: 250 }

function request(runId: string, priority = 3) {
  return { job: 'report', runId, workflowId: `report:${runId}`, priority }
}

async function ask(runId: string, limits = TWO_AT_ONCE, priority = 3): Promise<AskedPlace> {
  return (await places.ask(request(runId, priority), limits)).place
}

async function askAll(count: number, limits: LimitsInForce): Promise<AskedPlace[]> {
  const asked: AskedPlace[] = []
  for (let i = 0; i < count; i += 1) asked.push(await ask(`r${i}`, limits))
  return asked
}

const startOf = (place: AskedPlace | undefined): number =>
  place?.isGranted === true ? place.startInMs : Number.NaN

test('the second of two places is granted, a third is not', async () => {
  const [first, second, third] = await askAll(3, TWO_AT_ONCE)
  expect([first, second]).toEqual([
    { isGranted: true, startInMs: 0 },
    { isGranted: true, startInMs: 0 },
  ])
  expect(third).toEqual({ isGranted: false, ahead: 0, held: 2, turnInMs: null })
})

test('of requests that come at once no more are granted than there are places', async () => {
  const asked = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`r${i}`)))
  expect(asked.filter(({ isGranted }) => isGranted)).toHaveLength(2)
})

test('asking again keeps the place, and the turn', async () => {
  await askAll(4, TWO_AT_ONCE)
  expect(await ask('r0')).toMatchObject({ isGranted: true })
  expect(await ask('r3')).toMatchObject({ isGranted: false, ahead: 1 })
})

test('a place that is given back goes to the most urgent, then to who asked first', async () => {
  await askAll(4, TWO_AT_ONCE)
  await ask('urgent', TWO_AT_ONCE, 1)
  expect(await places.release('report', 'r0', TWO_AT_ONCE)).toMatchObject([{ runId: 'urgent' }])
  expect(await places.release('report', 'r1', TWO_AT_ONCE)).toMatchObject([{ runId: 'r2' }])
  // Again: it has nothing any more, and nobody gets a place for it.
  expect(await places.release('report', 'r1', TWO_AT_ONCE)).toEqual([])
})

test('a cap that is lowered takes no place away and grants none until there is room', async () => {
  await askAll(3, TWO_AT_ONCE)
  const one = { ...TWO_AT_ONCE, concurrent: 1 }
  expect(await places.release('report', 'r0', one)).toEqual([])
  expect(await places.release('report', 'r1', one)).toMatchObject([{ runId: 'r2' }])
})

test('a cap of another job is not used up', async () => {
  await askAll(3, TWO_AT_ONCE)
  const other = { ...request('other'), job: 'maintenance' }
  expect((await places.ask(other, TWO_AT_ONCE)).place).toMatchObject({ isGranted: true })
})

test('a rate of 4 a second lets runs begin 250 ms apart, and none more than 2 s ahead', async () => {
  const asked = await askAll(20, FOUR_A_SECOND)
  const granted = asked.filter(({ isGranted }) => isGranted)
  // Eight gaps are two seconds; a slow statement may let one or two more in.
  expect(granted.length).toBeGreaterThanOrEqual(8)
  expect(granted.length).toBeLessThan(20)
  const { rows } = await sql<{ gap: number }>`
    select extract(epoch from starts_at - lag(starts_at) over (order by starts_at))::float * 1000
      as gap from job_place where granted_at is not null`.execute(database.db)
  for (const { gap } of rows.slice(1)) expect(gap).toBeGreaterThanOrEqual(249.9)
  expect(asked.at(-1)).toMatchObject({ isGranted: false })
})

test('without a rate all may begin at once', async () => {
  const asked = await askAll(20, LIFTED)
  expect(asked.map(startOf)).toEqual(Array.from({ length: 20 }, () => 0))
})

test('a run is unseen after its time, and seen again when it was marked', async () => {
  await askAll(3, TWO_AT_ONCE)
  await sql`update job_place set seen_at = now() - interval '10 seconds'`.execute(database.db)
  const unseen = async (heldForMs: number, waitingForMs: number) =>
    (await places.listUnseen('report', heldForMs, waitingForMs)).map(({ runId }) => runId)
  expect(await unseen(9_000, 11_000)).toEqual(['r0', 'r1'])
  expect(await unseen(11_000, 9_000)).toEqual(['r2'])
  await places.markSeen(['r0'])
  expect(await unseen(9_000, 11_000)).toEqual(['r1'])
})

test('people see what holds, who is at work and who waits, in the order of service', async () => {
  await askAll(3, TWO_AT_ONCE)
  await ask('urgent', TWO_AT_ONCE, 1)
  const settings = createSettingStore(database.db)
  await settings.write(JOBS_LIMITS, { report: { perMinute: null } }, 'test')
  const { out } = await runCommand(database.url, ['jobs', 'limits', '--json'])
  const { limits } = JSON.parse(out) as { limits: ShownJobLimits[] }
  const report = limits.find(({ job }) => job === 'report')
  expect(report).toMatchObject({ concurrent: 2, perMinute: null })
  expect(report?.atWork.map(({ runId }) => runId)).toEqual(['r0', 'r1'])
  expect(report?.waiting.map(({ runId }) => runId)).toEqual(['urgent', 'r2'])
})
