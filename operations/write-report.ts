/** Makes a report of a period, puts its files in place, and tells operators of summaries. */
import {
  labelOf,
  periodAt,
  periodBefore,
  periodOf,
  type Period,
  type PeriodKind,
} from '../domain/analytics/period.ts'
import type { FigureRow, Figures, SectionName } from '../domain/analytics/sections.ts'
import type { AnalyticsStore, ExpectedRate } from '../domain/ports/analytics-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { ReportFiles } from '../domain/ports/report-files.ts'
import { reportFiles, type ReportDocument } from '../domain/reports/document.ts'
import { highlightsOf } from '../domain/reports/highlights.ts'
import { REPORT_TITLES, type FigureReport, type NamedReport } from '../domain/reports/reports.ts'
import { DAY_MS } from '../domain/time.ts'
import { endedPeriod, UnknownPeriodError } from './measure-named.ts'
import { settlesInMs } from './measure-periods.ts'
import { notifyOperators, type NotifyOperatorsDeps } from './notify-operators.ts'

/** What reports are made over. */
export type WriteReportDeps = NotifyOperatorsDeps & {
  readonly analyticsStore: AnalyticsStore
  readonly expectedRates: () => Promise<readonly ExpectedRate[]>
  readonly reportFiles: ReportFiles
  /** Of the book. */
  readonly clock: Clock
  /** Virtual seconds per wall second; 0 while the clock stands. */
  readonly clockSpeed: () => Promise<number>
  readonly wallClock: Clock
}

/** What was written; small enough for a history. */
export type WrittenReport = {
  readonly report: string
  readonly period: string
  readonly files: number
  readonly bytes: number
  readonly rows: number
  /** False: the same files were there already. */
  readonly isChanged: boolean
}

/** What each report is made of. */
const CONTENTS: Readonly<Record<NamedReport, readonly SectionName[]>> = {
  usage: ['bound', 'quotes', 'loss', 'payouts', 'reviews'],
  audit: ['audit-actions', 'audit-events'],
  performance: ['latency', 'delays', 'coverage', 'reviews'],
}

const PLATFORM: Readonly<Record<NamedReport, readonly SectionName[]>> = {
  usage: ['messages', 'providers', 'jobs'],
  audit: [],
  performance: ['jobs', 'dead-letters', 'providers'],
}

const KINDS: Readonly<Record<FigureReport, PeriodKind>> = {
  'weekly-trends': 'week',
  'executive-summary': 'month',
}

/** Periods that a trend goes back. */
const TREND_PERIODS = 12

/** Operators are told once of the same figures. */
const TOLD_FOR_MS = 3_650 * DAY_MS

/** Of which month, and when its last facts are through: wall milliseconds, null for at once. */
export type PlannedReports = { readonly period: string; readonly settlesInMs: number | null }

/** The named month or the last one that has ended. Throws UnknownPeriodError. */
export async function planReports(
  deps: Pick<WriteReportDeps, 'clock' | 'clockSpeed'>,
  request: { readonly period?: string },
): Promise<PlannedReports> {
  const now = await deps.clock.now()
  if (request.period !== undefined) {
    return { period: labelOf(endedPeriod('month', request.period, now)), settlesInMs: null }
  }
  return {
    period: labelOf(periodBefore(periodAt('month', now))),
    settlesInMs: settlesInMs('month', now, await deps.clockSpeed()),
  }
}

/** Writes a report of a month. Throws UnknownPeriodError. The same figures are the same bytes. */
export async function writeNamedReport(
  deps: WriteReportDeps,
  request: { readonly report: NamedReport; readonly period: string },
): Promise<WrittenReport> {
  const { analyticsStore } = deps
  const period = periodNamed('month', request.period)
  const book = await analyticsStore.measureBook(
    period,
    await deps.expectedRates(),
    CONTENTS[request.report],
  )
  const wall = await analyticsStore.measurePlatform(period)
  const kept = Object.entries(wall.figures).filter(([name, rows]) =>
    PLATFORM[request.report].some((one) => one === name && rows.length > 0),
  )
  const figures: Figures = { ...book.figures, ...Object.fromEntries(kept) }
  return writeFiles(deps, {
    report: request.report,
    period,
    figures,
    highlights: highlightsOf(figures),
    notes: notesOf(PLATFORM[request.report].length > 0 && kept.length === 0),
  })
}

/**
 * Renders the kept figures of a week or a month, and tells operators unless these very figures were
 * told. Null when nothing is kept of the period: nothing was bound yet.
 */
export async function writeFigureReport(
  deps: WriteReportDeps,
  request: { readonly report: FigureReport; readonly period: string },
): Promise<(WrittenReport & { readonly isTold: boolean }) | null> {
  const { report } = request
  const period = periodNamed(KINDS[report], request.period)
  const { kind, startsAt } = period
  const book = await deps.analyticsStore.find(kind, 'business', startsAt)
  if (book === null) return null
  const wall = await deps.analyticsStore.find(kind, 'wall', startsAt)
  const figures: Figures = {
    trend: await readTrend(deps, period),
    ...book.figures,
    ...wall?.figures,
  }
  const document: ReportDocument = {
    report,
    period,
    figures,
    highlights: highlightsOf(figures),
    notes: [
      ...notesOf(wall === null),
      ...(book.revision === 1 ? [] : [`Corrected figures: revision ${book.revision}.`]),
    ],
  }
  const written = await writeFiles(deps, document)
  const told = await notifyOperators(deps, {
    key: `report:${report}:${labelOf(period)}:${book.contentSha256.slice(0, 16)}`,
    severity: 'info',
    subject: `${REPORT_TITLES[report]} ${labelOf(period)}`,
    text: summaryText(document),
    windowMs: TOLD_FOR_MS,
  })
  return { ...written, isTold: told === 'queued' }
}

function periodNamed(kind: PeriodKind, label: string): Period {
  const period = periodOf(kind, label)
  if (period === null) throw new UnknownPeriodError(`there is no ${kind} ${label}`)
  return period
}

function notesOf(isWithoutPlatform: boolean): string[] {
  return isWithoutPlatform
    ? [
        'Runs of jobs, messages and calls of services are measured in wall time; there are none of this period.',
      ]
    : []
}

/** The sums of each currency, period by period, the oldest first. */
async function readTrend(deps: WriteReportDeps, last: Period): Promise<FigureRow[]> {
  const rows: FigureRow[] = []
  let period = last
  for (let i = 0; i < TREND_PERIODS; i += 1) {
    const kept = await deps.analyticsStore.find(period.kind, 'business', period.startsAt)
    const sums = (kept?.figures.loss ?? []).filter((row) => row['by'] === 'all')
    rows.unshift(...sums.map((row) => ({ ...row, period: labelOf(period) })))
    period = periodBefore(period)
  }
  return rows
}

async function writeFiles(deps: WriteReportDeps, document: ReportDocument): Promise<WrittenReport> {
  const { report, period } = document
  const { manifest, isChanged } = await deps.reportFiles.write(
    {
      report,
      period: labelOf(period),
      kind: period.kind,
      startsAt: period.startsAt,
      endsAt: period.endsAt,
      generatedAt: await deps.clock.now(),
      generatedAtWall: await deps.wallClock.now(),
    },
    reportFiles(document),
  )
  const { files } = manifest
  return {
    report,
    period: labelOf(period),
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    rows: files.find(({ type }) => type === 'text/html')?.rows ?? 0,
    isChanged,
  }
}

function summaryText({ report, period, highlights, notes }: ReportDocument): string {
  const lines = highlights.map(({ label, text }) => `${label}: ${text}`)
  const where = `groundstop report show ${report} ${labelOf(period)}; GET /api/reports/${report}/${labelOf(period)}`
  return [lines.length === 0 ? 'Nothing was decided.' : lines.join('\n'), ...notes, where].join(
    '\n\n',
  )
}
