/** Who has the turn of a key: one, whatever many want at once. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createJobTurnStore } from '../../db/stores/job-turn-store.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const run = (n: number) => ({ workflowId: `report:x:${n}`, firstRunId: `run-${n}` })
const store = () => createJobTurnStore(database.db)

test('of twenty that want a turn that nobody has one gets it, and keeps it when it asks again', async () => {
  const taken = await Promise.all(
    Array.from({ length: 20 }, (_, n) => store().take('first', run(n), null)),
  )
  expect(taken.filter(Boolean)).toHaveLength(1)
  const holder = run(taken.indexOf(true))
  expect(await store().holder('first')).toEqual(holder)
  expect(await store().take('first', holder, null)).toBe(true)
  expect(await store().take('first', holder, run(99))).toBe(true)
})

test('of twenty that saw its holder go one gets it, and one that saw an earlier holder does not', async () => {
  await store().take('second', run(0), null)
  const taken = await Promise.all(
    Array.from({ length: 20 }, (_, n) => store().take('second', run(n + 1), run(0))),
  )
  expect(taken.filter(Boolean)).toHaveLength(1)
  expect(await store().take('second', run(30), run(0))).toBe(false)
  expect(await store().take('second', run(30), null)).toBe(false)
})

test('a later run of an id is another than the one that has the turn', async () => {
  await store().take('third', run(1), null)
  const later = { ...run(1), firstRunId: 'run-later' }
  expect(await store().take('third', later, null)).toBe(false)
  expect(await store().take('third', later, run(1))).toBe(true)
})

test('turns of other keys are others, and nobody has one that was never taken', async () => {
  expect(await store().holder('fourth')).toBeNull()
  expect(await store().take('fourth', run(1), null)).toBe(true)
  expect(await store().take('fifth', run(2), null)).toBe(true)
})
