/** Limits of jobs over two workers: places in Postgres, runs on a real server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { months, openPlaceDesk, WorkingRuns, type PlaceDesk } from '../support/place-desk.ts'
import { services } from '../support/services.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let desk: PlaceDesk
let runs: WorkingRuns

beforeAll(async () => {
  await testBundle()
  desk = await openPlaceDesk()
  desk.serve({
    planReports: (request: { period: string }) => runs.plan(request),
    writeReport: (request: { report: string; period: string }) => runs.write(request),
  })
})
afterAll(() => desk[Symbol.asyncDispose]())
beforeEach(() => {
  runs = new WorkingRuns()
})

test('a cap of 2 lets no third of 20 runs be at work, and all of them end', async () => {
  await desk.limit({ concurrent: 2, perMinute: null })
  await desk.untilEnded(await Promise.all(months(20).map((period) => desk.start(period))))
  expect(runs.begun).toHaveLength(20)
  expect(runs.most).toBe(2)
  expect(await desk.placesOf('held')).toEqual([])
})

test('a cap that is raised while runs wait lets another be at work', async () => {
  await desk.limit({ concurrent: 2, perMinute: null })
  runs.holdAll()
  const ids = await Promise.all(months(3).map((period) => desk.start(period)))
  await runs.untilBegun(2)
  await desk.untilWaiting(1)
  await desk.limit({ concurrent: 3, perMinute: null })
  await runs.untilBegun(3)
  runs.letGo()
  await desk.untilEnded(ids)
  expect(runs.most).toBe(3)
})

test('those who wait are served by priority, then by who asked first', async () => {
  await desk.limit({ concurrent: 1, perMinute: null })
  runs.holdAll()
  const ids = [await desk.start('2001-01')]
  await runs.untilBegun(1)
  for (const [i, period] of ['2001-02', '2001-03'].entries()) {
    ids.push(await desk.start(period))
    await desk.untilWaiting(i + 1)
  }
  ids.push(await desk.start('2001-04', 'CRITICAL'))
  await desk.untilWaiting(3)
  runs.letGo()
  await desk.untilEnded(ids)
  expect(runs.periods()).toEqual(['2001-01', '2001-04', '2001-02', '2001-03'])
})

test('a run that waits says so, and one that goes on says that it runs', async () => {
  await desk.limit({ concurrent: 1, perMinute: null })
  runs.holdAll()
  const holder = await desk.start('2001-01')
  await runs.untilBegun(1)
  const waiting = await desk.start('2001-02')
  await desk.untilState(waiting, 'waiting')
  await desk.untilState(holder, undefined)
  runs.letGo()
  await desk.untilEnded([holder, waiting])
  await desk.untilState(waiting, 'running')
})

test('the place of a run that was terminated is free when the next one looks', async () => {
  await desk.limit({ concurrent: 1, perMinute: null })
  runs.holdAll()
  const holder = await desk.start('2001-01')
  await runs.untilBegun(1)
  const next = await desk.start('2001-02')
  await desk.untilWaiting(1)
  const atMs = Date.now()
  await desk.terminate(holder)
  await runs.untilBegun(2)
  // It looks every second here; what a second look costs is for a slow machine.
  expect(Date.now() - atMs).toBeLessThan(5_000)
  runs.letGo()
  await desk.untilEnded([next])
})

test('a run that was terminated while it waited is passed over', async () => {
  await desk.limit({ concurrent: 1, perMinute: null })
  runs.holdAll()
  const holder = await desk.start('2001-01')
  await runs.untilBegun(1)
  const gone = await desk.start('2001-02')
  await desk.untilWaiting(1)
  const next = await desk.start('2001-03')
  await desk.untilWaiting(2)
  await desk.terminate(gone)
  runs.letGo()
  await desk.untilEnded([holder, next])
  expect(runs.periods()).toEqual(['2001-01', '2001-03'])
})

test('a run that is cancelled while it waits waits no more', async () => {
  await desk.limit({ concurrent: 1, perMinute: null })
  runs.holdAll()
  const holder = await desk.start('2001-01')
  await runs.untilBegun(1)
  const waiting = await desk.start('2001-02')
  await desk.untilWaiting(1)
  await desk.rig.client.workflow.getHandle(waiting).cancel()
  await desk.untilWaiting(0)
  runs.letGo()
  await desk.untilEnded([holder])
  expect(runs.periods()).toEqual(['2001-01'])
})

test('a rate of 4 a second spaces the beginnings of runs on two workers', async () => {
  await desk.limit({ concurrent: null, perMinute: 240 })
  await desk.untilEnded(await Promise.all(months(13).map((period) => desk.start(period))))
  const begun = runs.begun.map(({ atMs }) => atMs).toSorted((a, b) => a - b)
  expect(begun).toHaveLength(13)
  // Twelve gaps of 250 ms; how late a run hears of its turn differs a little.
  expect((begun.at(-1) ?? 0) - (begun[0] ?? 0)).toBeGreaterThan(12 * 250 - 500)
})

test('a cap of 2 is kept, and used, when the worker of those that hold it is killed', async () => {
  await using other = await openPlaceDesk()
  await other.limit({ concurrent: 2, perMinute: null })
  const file = fileURLToPath(new URL('../support/places-worker.ts', import.meta.url))
  const args = [file, services().temporalAddress, other.rig.namespace, other.databaseUrl]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  // Also when the test fails before it is killed.
  using _killed = { [Symbol.dispose]: () => void child.kill('SIGKILL') }
  await once(child.stdout, 'data')
  const ids = await Promise.all(months(8).map((period) => other.start(period)))
  await other.untilWaiting(6)
  const held = await other.placesOf('held')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(held).toHaveLength(2)
  expect(runs.begun).toEqual([])
  other.serve({
    planReports: (request: { period: string }) => runs.plan(request),
    writeReport: (request: { report: string; period: string }) => runs.write(request),
  })
  await other.untilEnded(ids)
  expect(runs.begun).toHaveLength(8)
  expect(runs.most).toBe(2)
  expect(await other.placesOf('held')).toEqual([])
})
