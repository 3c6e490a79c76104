/** `groundstop report list|show`: kept figures as tables, and what reports there are. */
import { Argument, type Command } from 'commander'

import { createReportFiles } from '../../adapters/files/report-files.ts'
import { loadConfig } from '../../config/config.ts'
import { createAnalyticsStore } from '../../db/stores/analytics-store.ts'
import type { PeriodKind } from '../../domain/analytics/period.ts'
import { SECTION_NAMES, sectionSpec, type Figures } from '../../domain/analytics/sections.ts'
import type { ReportManifest } from '../../domain/ports/report-files.ts'
import { figureText } from '../../domain/reports/figure-text.ts'
import { NAMED_REPORTS } from '../../domain/reports/reports.ts'
import { readFigures, type KeptFigures, type PeriodFigures } from '../../operations/read-figures.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'
import { addReadOptions, printRead, type ReadFlags } from './reading.ts'

/** Jobs that keep figures, with what they measure. */
export const FIGURES: Readonly<Record<string, PeriodKind>> = {
  'hourly-metrics': 'hour',
  'daily-analytics': 'day',
  'weekly-trends': 'week',
  'executive-summary': 'month',
}

/** Lines of a section on a screen; `--json` has all of them. */
const LINES_AT_MOST = 12

/** Adds `list` and `show` to `report`. */
export function addReportReads(report: Command, context: CliContext): void {
  addReadOptions(report.command('list'))
    .description('list the reports that were written, the newest period first')
    .action(async ({ json }: ReadFlags) => {
      const items = await createReportFiles(loadConfig(context.env).config.reportsDir).list()
      const lines = json ? JSON.stringify({ items }) : listLines(items).join('\n')
      context.stdout.write(`${lines}\n`)
    })
  addReadOptions(report.command('show'))
    .description('print kept figures as tables, or the files of a report')
    .addArgument(new Argument('<name>').choices([...Object.keys(FIGURES), ...NAMED_REPORTS]))
    .argument('[period]', 'as 2013-02-08T17, 2013-02-08, a Sunday, 2013-02; the last one without')
    .action((name: string, period: string | undefined, flags: ReadFlags) =>
      show(context, name, { ...flags, ...(period === undefined ? {} : { period }) }),
    )
}

async function show(
  context: CliContext,
  name: string,
  flags: ReadFlags & { readonly period?: string },
): Promise<void> {
  const kind = FIGURES[name]
  if (kind === undefined) return showFiles(context, name, flags)
  await printRead(context, flags, {
    what: `${name} ${flags.period ?? 'yet'}`,
    from: ({ db }) =>
      readFigures(
        { analyticsStore: createAnalyticsStore(db) },
        { kind, ...(flags.period === undefined ? {} : { period: flags.period }) },
      ),
    lines: figureLines,
  })
}

async function showFiles(
  context: CliContext,
  name: string,
  { json, period }: ReadFlags & { readonly period?: string },
): Promise<void> {
  const { reportsDir } = loadConfig(context.env).config
  const all = await createReportFiles(reportsDir).list()
  const found = all.find(
    (one) => one.report === name && (period === undefined || one.period === period),
  )
  if (found === undefined) throw new CliError(`there is no report ${name} ${period ?? 'yet'}`)
  const lines = json ? JSON.stringify(found) : manifestLines(found, reportsDir).join('\n')
  context.stdout.write(`${lines}\n`)
}

function listLines(items: readonly ReportManifest[]): string[] {
  return tableLines(
    ['report', 'period', 'files', 'bytes', 'made, UTC'],
    items.map(({ report, period, files, generatedAtWall }) => [
      report,
      period,
      files.length,
      files.reduce((sum, { bytes }) => sum + bytes, 0),
      timeText(generatedAtWall),
    ]),
  )
}

function manifestLines(manifest: ReportManifest, folder: string): string[] {
  const { report, period, generatedAt, generatedAtWall, files } = manifest
  return [
    ...fieldLines([
      ['report', `${report} ${period}`],
      ['made, business', timeText(generatedAt)],
      ['made, wall', timeText(generatedAtWall)],
      ['in', `${folder}/${report}/${period}`],
    ]),
    '',
    ...tableLines(
      ['file', 'bytes', 'rows', 'sha256'],
      files.map(({ name, bytes, rows, sha256 }) => [name, bytes, rows, sha256.slice(0, 16)]),
    ),
  ]
}

function figureLines({ kind, period, business, wall }: PeriodFigures): string[] {
  const figures: Figures = { ...business?.figures, ...wall?.figures }
  const sections = SECTION_NAMES.flatMap((name) => {
    const rows = figures[name]
    if (rows === undefined) return []
    const { title, columns } = sectionSpec(name)
    const cells = rows
      .slice(0, LINES_AT_MOST)
      .map((row) => columns.map(({ key, unit }) => figureText(row, key, unit)))
    const more = rows.length > LINES_AT_MOST ? [`${rows.length - LINES_AT_MOST} more: --json`] : []
    return [
      '',
      title,
      ...tableLines(
        columns.map((column) => column.title),
        cells,
      ),
      ...more,
    ]
  })
  return [
    ...fieldLines([
      [kind, period],
      ['business', keptText(business)],
      ['wall', keptText(wall)],
    ]),
    ...sections,
  ]
}

function keptText(kept: KeptFigures | null): string {
  if (kept === null) return 'nothing is kept'
  const corrected = kept.correctedAt === null ? '' : `, corrected ${timeText(kept.correctedAt)}`
  return `revision ${kept.revision}, measured ${timeText(kept.measuredAt)}${corrected}`
}
