import { describe, expect, test } from 'vitest'

import { periodOf } from '../../../domain/analytics/period.ts'
import { SECTIONS, type FigureRow, type Figures } from '../../../domain/analytics/sections.ts'
import { barChart } from '../../../domain/reports/bar-chart.ts'
import { csvOf, reportFiles, type ReportDocument } from '../../../domain/reports/document.ts'
import { figureText } from '../../../domain/reports/figure-text.ts'
import { highlightsOf } from '../../../domain/reports/highlights.ts'

const LOSS: FigureRow = {
  by: 'product',
  group: 'FD45',
  currency: 'USD',
  policies: 1_234,
  paidPolicies: 90,
  sumInsuredMinor: '30850000',
  incurredMinor: '2221200',
  burnBps: 720,
  expectedBps: 747,
  premiumMinor: '3085000',
  lossRatioBps: 7_200,
}

function documentOf(figures: Figures): ReportDocument {
  const period = periodOf('month', '2013-02')
  if (period === null) throw new Error('no such month')
  return {
    report: 'executive-summary',
    period,
    figures,
    highlights: highlightsOf(figures),
    notes: [],
  }
}

const pageOf = (figures: Figures) => reportFiles(documentOf(figures))[0]?.content ?? ''

describe('a value in words', () => {
  test.each([
    ['policies', 'count', '1,234'],
    ['incurredMinor', 'minor', '22,212.00 USD'],
    ['burnBps', 'bps', '7.20 %'],
    ['group', 'text', 'FD45'],
  ] as const)('%s as %s', (key, unit, text) => {
    expect(figureText(LOSS, key, unit)).toBe(text)
  })

  test('amounts have the decimals of their currency, however long they are', () => {
    const of = (minor: string, currency: string) =>
      figureText({ minor, currency }, 'minor', 'minor')
    expect(of('123456789012345678901', 'JPY')).toBe('123,456,789,012,345,678,901 JPY')
    expect(of('5', 'KWD')).toBe('0.005 KWD')
  })

  test.each([
    [59, '59 s'],
    [60, '1 min'],
    [3_600, '1 h'],
    [7_500, '2 h 5 min'],
    [172_800, '2 d'],
  ])('%i seconds are %s', (s, text) => {
    expect(figureText({ s }, 's', 's')).toBe(text)
  })

  test('nothing is a dash', () => {
    expect(figureText({ burnBps: null }, 'burnBps', 'bps')).toBe('-')
    expect(figureText({}, 'burnBps', 'bps')).toBe('-')
  })
})

describe('a CSV file', () => {
  const columns = [{ key: 'actor', title: 'who', unit: 'text' }] as const

  test('quotes what would break a line', () => {
    expect(csvOf(columns, [{ actor: 'a "b", c\n' }])).toBe('actor\r\n"a ""b"", c\n"\r\n')
  })

  test('is no formula in a spreadsheet', () => {
    expect(csvOf(columns, [{ actor: '=HYPERLINK(1)' }])).toBe("actor\r\n'=HYPERLINK(1)\r\n")
  })

  test('has numbers as they are, also below zero', () => {
    expect(csvOf(columns, [{ actor: -5 }])).toBe('actor\r\n-5\r\n')
  })
})

describe('a page', () => {
  test('has a table and a chart of each section that has rows, and a CSV file of every section', () => {
    const files = reportFiles(documentOf({ loss: [LOSS], delays: [] }))
    expect(files.map(({ name, rows }) => [name, rows])).toEqual([
      ['index.html', 1],
      ['loss.csv', 1],
      ['delays.csv', 0],
    ])
    expect(files[0]?.content).toContain('<svg')
    expect(files[0]?.content).toContain('22,212.00 USD')
  })

  test('is the same bytes for the same figures', () => {
    expect(pageOf({ loss: [LOSS] })).toBe(pageOf({ loss: [LOSS] }))
  })

  test('asks nothing of the network and carries nothing out', () => {
    const page = pageOf({ loss: [{ ...LOSS, group: '<script>alert(1)</script>' }] })
    expect(page).not.toMatch(/<script|https?:|url\(|src=|href=/)
    expect(page).toContain('&lt;script&gt;')
  })

  test('cuts long tables and says where the rest is', () => {
    const rows = Array.from({ length: 101 }, (_, i) => ({ actor: `p${i}`, action: 'a', events: 1 }))
    const page = pageOf({ 'audit-actions': rows })
    expect(page).toContain('The first 100 of 101; all are in audit-actions.csv.')
    expect(page).not.toContain('>p100<')
  })

  test('begins with burn beside what was expected', () => {
    expect(highlightsOf({ loss: [{ ...LOSS, by: 'all' }] })).toContainEqual({
      label: 'burn, USD',
      text: '7.20 %, expected 7.47 %',
    })
  })

  test('draws a chart for each currency, as amounts of two do not compare', () => {
    const page = pageOf({ loss: [LOSS, { ...LOSS, currency: 'EUR' }] })
    expect(page).toContain('by product, USD')
    expect(page).toContain('by product, EUR')
  })
})

describe('bars', () => {
  const chart = (values: readonly (number | null)[]) =>
    barChart({
      title: 't',
      series: ['s'],
      lines: values.map((value) => ({ label: 'l', bars: [{ value, text: '' }] })),
    })
  const widths = (svg: string) =>
    [...svg.matchAll(/rect class="s0"[^>]* width="([\d.]+)"/g)].map((found) => Number(found[1]))

  test('are as long as their values', () => {
    expect(widths(chart([50, 100]))).toEqual([210, 420])
  })

  test('that are tiny are seen, and nothing is drawn of nothing', () => {
    expect(widths(chart([1_000_000, 1, 0, null]))).toEqual([420, 2])
  })
})

test('every chart names columns of its section', () => {
  for (const { columns, charts } of Object.values(SECTIONS)) {
    const keys: string[] = columns.map(({ key }) => key)
    for (const chart of charts) {
      expect(keys).toEqual(expect.arrayContaining([chart.label, ...chart.values]))
    }
  }
})
