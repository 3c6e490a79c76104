import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { readPolicyFile } from '../../../cli/policy-file.ts'
import { collect } from '../../support/builders.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'policy-file-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

const HEADER =
  'policy_number,product,carrier,flight_number,origin,destination,departure_date,sum_insured,' +
  'currency,payee_ref'
const ROW = 'P1,FD45,B6,35,JFK,PBI,2013-03-09,250.00,USD,acct_1'

async function read(name: string, content: string | Uint8Array) {
  const path = join(folder, name)
  await writeFile(path, content)
  const ignored: string[] = []
  const rows = await collect(readPolicyFile(path, (columns) => ignored.push(...columns)))
  return { rows, ignored }
}

test('a csv row comes with its line', async () => {
  const { rows } = await read('a.csv', `${HEADER}\n${ROW}\n`)
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatchObject({ line: 2, row: { policy_number: 'P1', payee_ref: 'acct_1' } })
})

test('a byte order mark, CRLF, capitals in the header, quotes and empty lines are read', async () => {
  const quoted = ROW.replace('acct_1', '"acct ""x"""')
  const { rows } = await read('b.csv', `\u{feff}${HEADER.toUpperCase()}\r\n\r\n${quoted}\r\n`)
  expect(rows).toMatchObject([{ line: 3, row: { payee_ref: 'acct "x"' } }])
})

test('lines are counted over quoted line ends', async () => {
  const { rows } = await read('c.csv', `${HEADER}\n${ROW.replace('P1', '"P\n1"')}\n${ROW}\n`)
  expect(rows.map(({ line }) => line)).toEqual([2, 4])
})

test('missing columns are one error that names them', async () => {
  const reading = read('d.csv', 'policy_number,product\nP1,FD45\n')
  await expect(reading).rejects.toThrow(
    'columns are missing in the first line: carrier, flight_number, origin, destination,',
  )
})

test('a column that is there twice is an error', async () => {
  await expect(read('e.csv', `${HEADER},currency\n${ROW},EUR\n`)).rejects.toThrow(
    'columns are there twice: currency',
  )
})

test('unknown columns are told and not read', async () => {
  const { rows, ignored } = await read('f.csv', `${HEADER},holder\n${ROW},Ada\n`)
  expect(ignored).toEqual(['holder'])
  expect(rows).toHaveLength(1)
})

test.each([
  ['too few', 'P2,FD45'],
  ['too many', `${ROW},more`],
])('a row with %s cells is unreadable, the others are read', async (_, bad) => {
  const { rows } = await read('g.csv', `${HEADER}\n${bad}\n${ROW}\n`)
  expect(rows).toMatchObject([{ line: 2, unreadable: { field: 'row' } }, { line: 3 }])
  expect(rows[1]?.unreadable).toBeUndefined()
})

test('a stray quote is its row’s fault: the row comes with it, and so do the others', async () => {
  const stray = ROW.replace('P1', 'P"1')
  const spaced = ROW.replace('acct_1', ' "acct_1" ')
  const { rows } = await read('q.csv', `${HEADER}\n${stray}\n${spaced}\n${ROW}\n`)
  expect(rows).toMatchObject([
    { line: 2, row: { policy_number: 'P"1' } },
    { line: 3, row: { payee_ref: 'acct_1' } },
    { line: 4, row: { policy_number: 'P1' } },
  ])
})

test('blank rows, as a spreadsheet leaves them, are no rows', async () => {
  const blank = ','.repeat(9)
  const { rows } = await read('s.csv', `${HEADER}\n   \n${ROW}\n${blank}\n`)
  expect(rows.map(({ line }) => line)).toEqual([3])
})

test.each([';', '\t'])('a file with another separator is told so: "%s"', async (separator) => {
  const text = `${HEADER}\n${ROW}\n`.replaceAll(',', separator)
  await expect(read('t.csv', text)).rejects.toThrow('separated by commas')
})

test('a quote never closed is an error with its line', async () => {
  await expect(read('h.csv', `${HEADER}\n"P1,FD45\n${ROW}\n`)).rejects.toThrow('h.csv:')
})

test('an empty file says that it lacks the columns', async () => {
  await expect(read('i.csv', '')).rejects.toThrow('its first line must name the columns')
})

test('a file that is not UTF-8 is refused', async () => {
  await expect(read('j.csv', new Uint8Array([0x70, 0xe9, 0x0a]))).rejects.toThrow('not UTF-8')
})

test('a file that is not there is told', async () => {
  const path = join(folder, 'none.csv')
  await expect(collect(readPolicyFile(path, () => undefined))).rejects.toThrow('cannot be read')
})

test('another ending is refused as its form is unknown', () => {
  expect(() => readPolicyFile('book.txt', () => undefined)).toThrow('.csv or .jsonl')
})

test('json lines come with their lines; a bad line is unreadable, the others are read', async () => {
  const { rows } = await read(
    'k.jsonl',
    '{"policy_number":"P1"}\n\n[1]\n{"a\n{"policy_number":"P2"}',
  )
  expect(rows).toMatchObject([
    { line: 1, row: { policy_number: 'P1' } },
    { line: 3, unreadable: { reason: 'is not a JSON object' } },
    { line: 4, unreadable: { field: 'row' } },
    { line: 5, row: { policy_number: 'P2' } },
  ])
})

test('rows are read over the borders of chunks', async () => {
  const lines = Array.from({ length: 3_000 }, (_, n) => ROW.replace('P1', `Pé${n}`))
  const { rows } = await read('l.csv', `${HEADER}\n${lines.join('\n')}\n`)
  expect(rows.map(({ row }) => row['policy_number'])).toEqual(lines.map((_, n) => `Pé${n}`))
  expect(rows.at(-1)?.line).toBe(3_001)
})
