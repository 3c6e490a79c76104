/** A report as data, and its files: a page with charts, and a CSV file for each section. Pure. */
import { labelOf, type Period } from '../analytics/period.ts'
import {
  SECTION_NAMES,
  sectionSpec,
  type ChartSpec,
  type Column,
  type FigureRow,
  type Figures,
  type SectionName,
} from '../analytics/sections.ts'
import { barChart } from './bar-chart.ts'
import { figureText } from './figure-text.ts'
import { escapeMarkup } from './markup.ts'
import { PAGE_STYLE } from './page-style.ts'
import { REPORT_TITLES, type Report } from './reports.ts'

/** A report of a period. */
export type ReportDocument = {
  readonly report: Report
  readonly period: Period
  /** The most important figures, first on the page. */
  readonly highlights: readonly { readonly label: string; readonly text: string }[]
  readonly figures: Figures
  /** Whole sentences, as that a part was not measured. */
  readonly notes: readonly string[]
}

/** One file of a report. */
export type ReportFile = {
  readonly name: string
  readonly type: 'text/html' | 'text/csv'
  readonly content: string
  /** Lines of data; of the page those of all its tables. */
  readonly rows: number
}

/** Lines of a table on the page; all of them are in the section's CSV file. */
const TABLE_ROWS = 100
/** More bars are no picture. */
const CHART_LINES = 15

/** The page and a CSV file for each section. The same document is the same bytes. */
export function reportFiles(document: ReportDocument): ReportFile[] {
  const sections = sectionsIn(document)
  const csvFiles = sections.map(({ name, rows }): ReportFile => ({
    name: `${name}.csv`,
    type: 'text/csv',
    content: csvOf(sectionSpec(name).columns, rows),
    rows: rows.length,
  }))
  const rows = sections.reduce((sum, section) => sum + section.rows.length, 0)
  const page = pageOf(document, sections)
  return [{ name: 'index.html', type: 'text/html', content: page, rows }, ...csvFiles]
}

type Section = { readonly name: SectionName; readonly rows: readonly FigureRow[] }

/** In the order of the catalogue, but for how it went on, which comes first. */
function sectionsIn({ figures }: ReportDocument): Section[] {
  const names: readonly SectionName[] = ['trend', ...SECTION_NAMES.filter((one) => one !== 'trend')]
  return names.flatMap((name) => {
    const rows = figures[name]
    return rows === undefined ? [] : [{ name, rows }]
  })
}

/** RFC 4180. A text that a spreadsheet would take for a formula is quoted as text. */
export function csvOf(columns: readonly Column[], rows: readonly FigureRow[]): string {
  const lines = rows.map((row) => columns.map(({ key }) => csvCell(row[key] ?? null)).join(','))
  return `${[columns.map(({ key }) => key).join(','), ...lines].join('\r\n')}\r\n`
}

function csvCell(value: string | number | null): string {
  if (value === null) return ''
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function pageOf(document: ReportDocument, sections: readonly Section[]): string {
  const { report, period, highlights, notes } = document
  const title = `${REPORT_TITLES[report]} ${labelOf(period)}`
  const cards = highlights.map(
    ({ label, text }) =>
      `<div class="card"><span>${escapeMarkup(label)}</span><b>${escapeMarkup(text)}</b></div>`,
  )
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeMarkup(title)}</title><style>${PAGE_STYLE}</style></head><body><main>`,
    `<h1>${escapeMarkup(title)}</h1>`,
    `<p class="span">${period.startsAt.slice(0, 16)} to ${period.endsAt.slice(0, 16)} UTC</p>`,
    ...notes.map((note) => `<p class="note">${escapeMarkup(note)}</p>`),
    cards.length === 0 ? '' : `<div class="cards">${cards.join('')}</div>`,
    ...sections.map(sectionHtml),
    '</main></body></html>',
    '',
  ].join('\n')
}

function sectionHtml({ name, rows }: Section): string {
  const { title, columns, charts } = sectionSpec(name)
  const drawn = rows.length === 0 ? [] : charts.flatMap((chart) => chartsOf(chart, columns, rows))
  const body = rows.length === 0 ? '<p class="none">nothing</p>' : tableHtml(columns, rows, name)
  return `<section><h2>${escapeMarkup(title)}</h2>\n${[...drawn, body].join('\n')}</section>`
}

/** A chart for each currency: amounts of two do not compare. */
function chartsOf(
  { title, label, values, only }: ChartSpec,
  columns: readonly Column[],
  all: readonly FigureRow[],
): string[] {
  const rows = all.filter((row) => only === undefined || row[only.key] === only.is)
  const byCurrency = Map.groupBy(rows, (row) => row['currency'] ?? '')
  const unitOf = (key: string) => columns.find((column) => column.key === key)?.unit ?? 'count'
  const nameOf = (key: string) => columns.find((column) => column.key === key)?.title ?? key
  return [...byCurrency].flatMap(([currency, group]) => {
    const lines = group.slice(0, CHART_LINES).map((row) => ({
      label: figureText(row, label, unitOf(label)),
      bars: values.map((key) => {
        const value = row[key] ?? null
        return {
          value: value === null ? null : Number(value),
          text: figureText(row, key, unitOf(key)),
        }
      }),
    }))
    if (lines.every(({ bars }) => bars.every(({ value }) => value === null || value === 0)))
      return []
    const full = currency === '' ? title : `${title}, ${currency}`
    const picture = barChart({ title: full, series: values.map(nameOf), lines })
    return [`<figure><figcaption>${escapeMarkup(full)}</figcaption>${picture}</figure>`]
  })
}

function tableHtml(columns: readonly Column[], rows: readonly FigureRow[], name: string): string {
  const head = columns.map(
    ({ title, unit }) => `<th${unit === 'text' ? '' : ' class="n"'}>${escapeMarkup(title)}</th>`,
  )
  const body = rows.slice(0, TABLE_ROWS).map((row) => {
    const cells = columns.map(
      ({ key, unit }) =>
        `<td${unit === 'text' ? '' : ' class="n"'}>${escapeMarkup(figureText(row, key, unit))}</td>`,
    )
    return `<tr>${cells.join('')}</tr>`
  })
  const more =
    rows.length > TABLE_ROWS
      ? `<p class="note">The first ${TABLE_ROWS} of ${rows.length}; all are in ${name}.csv.</p>`
      : ''
  return (
    `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead>\n` +
    `<tbody>${body.join('\n')}</tbody></table></div>${more}`
  )
}
