import { readdirSync } from 'node:fs'

import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { createDatabase } from '../../db/client.ts'
import { migrate } from '../../db/migrate.ts'
import { createTestDatabase } from '../support/database.ts'

const ALL = readdirSync(new URL('../../db/migrations/', import.meta.url))
  .map((file) => file.replace(/\.sql$/, ''))
  .toSorted()

test('a second run applies nothing', async () => {
  await using database = await createTestDatabase({ isEmpty: true })
  expect(await migrate(database.db)).toEqual(ALL)
  expect(await migrate(database.db)).toEqual([])
})

test('twenty processes at once apply each migration once', async () => {
  await using database = await createTestDatabase({ isEmpty: true })
  const pools = Array.from({ length: 20 }, () => createDatabase(database.url, { max: 1 }))
  const applied = await Promise.all(pools.map((db) => migrate(db)))
  await Promise.all(pools.map((db) => db.destroy()))
  expect(applied.flat()).toEqual(ALL)
})

test('instants come out as UTC text and bigints as numbers', async () => {
  await using database = await createTestDatabase()
  const { rows } = await sql<Record<string, unknown>>`
    select timestamptz '2013-02-08 12:05:00.1239-05' as at, date '2013-02-08' as day, 7::bigint as n,
      array[timestamptz '2013-02-08T17:05Z'] as ats, array[1, 2]::bigint[] as ns,
      array[date '2013-02-08'] as days`.execute(database.db)
  expect(rows[0]).toEqual({
    at: '2013-02-08T17:05:00.123Z',
    day: '2013-02-08',
    n: 7,
    ats: ['2013-02-08T17:05:00.000Z'],
    ns: [1, 2],
    days: ['2013-02-08'],
  })
})

test('a bigint beyond 2^53 - 1 is refused instead of losing digits', async () => {
  await using database = await createTestDatabase()
  await expect(sql`select 9007199254740992::bigint n`.execute(database.db)).rejects.toThrow(
    'bigint beyond 2^53 - 1',
  )
})
