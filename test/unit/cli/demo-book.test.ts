import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'

import { DEMO, demoBook } from '../../../cli/demo/demo-book.ts'
import { SHIPPED_FLIGHTS } from '../../../cli/start/import-book.ts'
import { parseLegPack } from '../../../domain/leg-pack.ts'
import { parsePolicyRow } from '../../../domain/policy-row.ts'

let rows: Record<string, string>[]
let text: string

beforeAll(() => {
  const pack = parseLegPack(gunzipSync(readFileSync(SHIPPED_FLIGHTS)).toString('utf8'))
  text = demoBook(pack, DEMO.departureDates)
  const [header = '', ...lines] = text.trimEnd().split('\n')
  const columns = header.split(',')
  rows = lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']))
  })
})

describe('the demo book', () => {
  test('has a few thousand policies', () => {
    expect(rows.length).toBeGreaterThan(2_000)
    expect(rows.length).toBeLessThan(6_000)
  })

  test('has only rows that an import takes', () => {
    const refused = rows.filter((row) => !parsePolicyRow(row).ok)
    expect(refused).toEqual([])
  })

  test('has every number once', () => {
    expect(new Set(rows.map((row) => row['policy_number'])).size).toBe(rows.length)
  })

  test('insures the two days of the blizzard and no other', () => {
    const dates = new Set(rows.map((row) => row['departure_date']))
    expect(dates).toEqual(new Set(['2013-02-08', '2013-02-09']))
  })

  test('was bound before virtual time begins', () => {
    const late = rows.filter((row) => (row['bound_at'] ?? '') >= DEMO.clockStart)
    expect(late).toEqual([])
  })

  test('has policies of every reference product', () => {
    const products = new Set(rows.map((row) => row['product']))
    expect(products).toEqual(new Set(['FD45', 'FD120', 'FD180']))
  })

  test('is the same each time', () => {
    const pack = parseLegPack(gunzipSync(readFileSync(SHIPPED_FLIGHTS)).toString('utf8'))
    expect(demoBook(pack, DEMO.departureDates)).toBe(text)
  })
})
