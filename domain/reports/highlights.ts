/** The few figures that a report begins with, and that operators are told. Pure. */
import type { FigureRow, Figures } from '../analytics/sections.ts'
import { figureText } from './figure-text.ts'

/** One of them. */
export type Highlight = { readonly label: string; readonly text: string }

/** Currencies that are told; the largest first. */
const CURRENCIES_AT_MOST = 3

/** What the sections that are there say, in words. */
export function highlightsOf(figures: Figures): Highlight[] {
  const losses = (figures.loss ?? [])
    .filter((row) => row['by'] === 'all')
    .toSorted((a, b) => Number(b['sumInsuredMinor']) - Number(a['sumInsuredMinor']))
    .slice(0, CURRENCIES_AT_MOST)
  const atRisk = (figures.exposure ?? []).filter((row) => row['by'] === 'all')
  return [
    ...losses.flatMap(lossHighlights),
    ...atRisk.slice(0, CURRENCIES_AT_MOST).map((row) => ({
      label: `at risk, ${row['currency']}`,
      text: figureText(row, 'sumInsuredMinor', 'minor'),
    })),
    ...(figures.latency ?? []).map((row) => ({
      label: `${row['step']}, half within`,
      text: figureText(row, 'p50S', 's'),
    })),
    ...sumHighlight('legs not polled in time', figures.coverage, 'incidents'),
    ...sumHighlight('runs', figures.jobs, 'runs'),
    ...sumHighlight('runs failed', figures.jobs, 'failed'),
    ...sumHighlight('dead letters opened', figures['dead-letters'], 'opened'),
    ...sumHighlight('changes by people and programs', figures['audit-actions'], 'events'),
  ]
}

function lossHighlights(row: FigureRow): Highlight[] {
  const { currency } = row
  return [
    { label: `policies decided, ${currency}`, text: figureText(row, 'policies', 'count') },
    { label: `incurred, ${currency}`, text: figureText(row, 'incurredMinor', 'minor') },
    {
      label: `burn, ${currency}`,
      text: `${figureText(row, 'burnBps', 'bps')}, expected ${figureText(row, 'expectedBps', 'bps')}`,
    },
    { label: `loss ratio, ${currency}`, text: figureText(row, 'lossRatioBps', 'bps') },
  ]
}

function sumHighlight(
  label: string,
  rows: readonly FigureRow[] | undefined,
  key: string,
): Highlight[] {
  if (rows === undefined) return []
  const total = rows.reduce((sum, row) => sum + Number(row[key] ?? 0), 0)
  return [{ label, text: figureText({ total }, 'total', 'count') }]
}
