/** Operators are told of the same trouble once in a window, and once that it is over. */
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { createOperatorNoticeStore } from '../../db/stores/operator-notice-store.ts'
import { notifyOperators } from '../../operations/notify-operators.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { readNotifications } from '../support/notification-book.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())
afterEach(async () => {
  await sql`truncate notification, operator_notice`.execute(database.db)
})

const trouble = { key: 'job:x', severity: 'critical', subject: 'x failed', text: 'look' } as const

function tell(change: Partial<Parameters<typeof notifyOperators>[1]> = {}) {
  const operatorNoticeStore = createOperatorNoticeStore(database.db)
  return notifyOperators({ operatorNoticeStore }, { ...trouble, ...change })
}

const states = async (): Promise<string[]> =>
  (await readNotifications(database.db)).map(({ channel, state }) => `${channel} ${state}`)

test('are told by every channel once in the window, and again after it', async () => {
  expect(await Promise.all([tell(), tell(), tell()])).toEqual(
    expect.arrayContaining(['queued', 'told-before', 'told-before']),
  )
  expect(await states()).toHaveLength(3)
  expect(await tell({ key: 'job:y' })).toBe('queued')
  await sql`update operator_notice set told_at = now() - interval '61 minutes'`.execute(database.db)
  expect(await tell()).toBe('queued')
  expect(await tell()).toBe('told-before')
  expect(await tell({ windowMs: 0 })).toBe('queued')
})

test('are told that it is over, once, and only when they were told of it', async () => {
  const over = { severity: 'recovered', subject: 'x runs again' } as const
  expect(await tell(over)).toBe('nothing-open')
  await tell()
  expect(await tell(over)).toBe('queued')
  expect(await tell(over)).toBe('nothing-open')
  // The next trouble is a new episode, however soon.
  expect(await tell()).toBe('queued')
  expect(await tell(over)).toBe('queued')
})

test('a key that is none is refused', async () => {
  await expect(tell({ key: '' })).rejects.toThrow(RangeError)
  await expect(tell({ key: 'x'.repeat(201) })).rejects.toThrow(RangeError)
})
