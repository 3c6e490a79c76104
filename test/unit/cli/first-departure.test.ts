import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { beforeFirstDeparture } from '../../../cli/start/first-departure.ts'

const HEADER =
  'policy_number,product,carrier,flight_number,origin,destination,departure_date,sum_insured,' +
  'currency,payee_ref'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-book-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function book(name: string, ...rows: readonly string[]): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, [HEADER, ...rows, ''].join('\n'))
  return path
}

function row(number: string, origin: string, date: string): string {
  return `${number},FD45,B6,35,${origin},PBI,${date},100.00,USD,acct_1`
}

test('time begins three hours before the earliest day of departures, at its origin', async () => {
  const later = await book('a.csv', row('P1', 'JFK', '2013-10-03'), row('P2', 'JFK', '2013-10-02'))
  const earliest = await book('b.csv', row('P3', 'LGA', '2013-10-01'))
  expect(await beforeFirstDeparture([later, earliest])).toBe('2013-10-01T01:00:00.000Z')
})

test('the same date begins earlier further east', async () => {
  const file = await book('a.csv', row('P1', 'JFK', '2013-10-01'), row('P2', 'NRT', '2013-10-01'))
  expect(await beforeFirstDeparture([file])).toBe('2013-09-30T12:00:00.000Z')
})

test('a row that is not whole says nothing of it', async () => {
  const file = await book('a.csv', row('P1', 'JFK', '2013-13-01'))
  expect(await beforeFirstDeparture([file])).toBeNull()
})
