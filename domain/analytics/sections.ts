/**
 * What is measured of a period: sections of rows, each with its columns and their units. The one list
 * behind stores, tables, charts and files.
 */
import type { PeriodClock } from './period.ts'

/** What a column's values are. `minor` and `ms` are whole numbers; amounts are decimal text. */
export type Unit = 'text' | 'count' | 'minor' | 'bps' | 'ms' | 's'

/** One column. */
export type Column = { readonly key: string; readonly title: string; readonly unit: Unit }

/** One line of a section: a value of each column; a `currency` beside amounts. */
export type FigureRow = Readonly<Record<string, string | number | null>>

/** What a chart of a section shows: bars of one column, of the rows where `only` holds. */
export type ChartSpec = {
  readonly title: string
  readonly label: string
  /** One bar each. Several are drawn side by side and share a unit. */
  readonly values: readonly string[]
  readonly only?: { readonly key: string; readonly is: string }
}

/** A section as declared. */
export type SectionSpec = {
  readonly title: string
  readonly clock: PeriodClock
  readonly columns: readonly Column[]
  readonly charts: readonly ChartSpec[]
  /** Measured for reports alone, and not kept with the figures of periods. */
  readonly isForReports?: true
}

const col = (key: string, title: string, unit: Unit): Column => ({ key, title, unit })
const GROUP = [
  col('by', 'by', 'text'),
  col('group', 'group', 'text'),
  col('currency', 'currency', 'text'),
] as const

/** All sections in the order in which they are shown. */
export const SECTIONS = {
  loss: {
    title: 'Losses of the policies decided',
    clock: 'business',
    columns: [
      ...GROUP,
      col('policies', 'policies', 'count'),
      col('paidPolicies', 'paid', 'count'),
      col('sumInsuredMinor', 'sum insured', 'minor'),
      col('incurredMinor', 'incurred', 'minor'),
      col('burnBps', 'burn', 'bps'),
      col('expectedBps', 'expected', 'bps'),
      col('premiumMinor', 'premium', 'minor'),
      col('lossRatioBps', 'loss ratio', 'bps'),
    ],
    charts: [
      {
        title: 'Burn against expectation, by product',
        label: 'group',
        values: ['burnBps', 'expectedBps'],
        only: { key: 'by', is: 'product' },
      },
      {
        title: 'Loss ratio by carrier',
        label: 'group',
        values: ['lossRatioBps'],
        only: { key: 'by', is: 'carrier' },
      },
    ],
  },
  bound: {
    title: 'Policies bound',
    clock: 'business',
    columns: [
      col('product', 'product', 'text'),
      col('currency', 'currency', 'text'),
      col('policies', 'policies', 'count'),
      col('sumInsuredMinor', 'sum insured', 'minor'),
      col('premiumMinor', 'premium', 'minor'),
    ],
    charts: [],
  },
  quotes: {
    title: 'Quotes given, and what became of them',
    clock: 'business',
    columns: [
      col('product', 'product', 'text'),
      col('currency', 'currency', 'text'),
      col('quotes', 'quotes', 'count'),
      col('bound', 'bound', 'count'),
      col('declined', 'declined', 'count'),
      col('lapsed', 'lapsed', 'count'),
      col('premiumMinor', 'premium offered', 'minor'),
    ],
    charts: [],
  },
  delays: {
    title: 'Legs decided, by delay',
    clock: 'business',
    columns: [col('delay', 'delay', 'text'), col('legs', 'legs', 'count')],
    charts: [{ title: 'Legs by delay', label: 'delay', values: ['legs'] }],
  },
  payouts: {
    title: 'Payouts made, by amount',
    clock: 'business',
    columns: [
      col('currency', 'currency', 'text'),
      col('fromMinor', 'from', 'minor'),
      col('payouts', 'payouts', 'count'),
      col('amountMinor', 'amount', 'minor'),
    ],
    charts: [{ title: 'Payouts by amount', label: 'fromMinor', values: ['payouts'] }],
  },
  latency: {
    title: 'How long things took',
    clock: 'business',
    columns: [
      col('step', 'step', 'text'),
      col('count', 'times', 'count'),
      col('p50S', 'half within', 's'),
      col('p95S', '95 of 100 within', 's'),
      col('maxS', 'longest', 's'),
    ],
    charts: [],
  },
  exposure: {
    title: 'At risk at the end',
    clock: 'business',
    columns: [
      ...GROUP,
      col('policies', 'policies', 'count'),
      col('legs', 'legs', 'count'),
      col('sumInsuredMinor', 'sum insured', 'minor'),
    ],
    charts: [
      {
        title: 'At risk by day of departure',
        label: 'group',
        values: ['sumInsuredMinor'],
        only: { key: 'by', is: 'day' },
      },
      {
        title: 'At risk by origin',
        label: 'group',
        values: ['sumInsuredMinor'],
        only: { key: 'by', is: 'origin' },
      },
      {
        title: 'At risk by carrier',
        label: 'group',
        values: ['sumInsuredMinor'],
        only: { key: 'by', is: 'carrier' },
      },
    ],
  },
  coverage: {
    title: 'Legs that were not polled in time',
    clock: 'business',
    columns: [
      col('phase', 'phase', 'text'),
      col('incidents', 'incidents', 'count'),
      col('greatestGapS', 'greatest gap', 's'),
      col('openAtEnd', 'open at the end', 'count'),
    ],
    charts: [],
  },
  reviews: {
    title: 'Review cases',
    clock: 'business',
    columns: [
      col('reason', 'reason', 'text'),
      col('opened', 'opened', 'count'),
      col('resolved', 'resolved', 'count'),
      col('openAtEnd', 'open at the end', 'count'),
    ],
    charts: [],
  },
  providers: {
    title: 'Calls of outside services',
    clock: 'wall',
    columns: [
      col('provider', 'provider', 'text'),
      col('calls', 'calls', 'count'),
      col('failures', 'failed', 'count'),
      col('failedBps', 'share failed', 'bps'),
      col('units', 'units used', 'count'),
      col('budget', 'budget', 'count'),
      col('ofBudgetBps', 'of the budget', 'bps'),
    ],
    charts: [{ title: 'Calls by service', label: 'provider', values: ['calls', 'failures'] }],
  },
  jobs: {
    title: 'Runs of jobs',
    clock: 'wall',
    columns: [
      col('job', 'job', 'text'),
      col('runs', 'runs', 'count'),
      col('failed', 'failed', 'count'),
      col('timedOut', 'timed out', 'count'),
      col('cancelled', 'cancelled', 'count'),
      col('p50Ms', 'half within', 'ms'),
      col('p95Ms', '95 of 100 within', 'ms'),
      col('maxMs', 'longest', 'ms'),
    ],
    charts: [{ title: '95 of 100 runs end within', label: 'job', values: ['p95Ms'] }],
  },
  messages: {
    title: 'Messages',
    clock: 'wall',
    columns: [
      col('audience', 'to', 'text'),
      col('channel', 'channel', 'text'),
      col('messages', 'messages', 'count'),
      col('sent', 'sent', 'count'),
      col('failed', 'failed', 'count'),
      col('suppressed', 'suppressed', 'count'),
    ],
    charts: [],
  },
  'dead-letters': {
    title: 'Dead letters',
    clock: 'wall',
    columns: [
      col('job', 'job', 'text'),
      col('opened', 'opened', 'count'),
      col('resolved', 'resolved', 'count'),
      col('openAtEnd', 'open at the end', 'count'),
    ],
    charts: [],
  },
  'audit-actions': {
    title: 'Who did what, how often',
    clock: 'business',
    columns: [
      col('actor', 'who', 'text'),
      col('action', 'what', 'text'),
      col('events', 'times', 'count'),
      col('subjects', 'things', 'count'),
    ],
    charts: [],
    isForReports: true,
  },
  'audit-events': {
    title: 'Events of the audit trail',
    clock: 'business',
    columns: [
      col('seq', 'event', 'count'),
      col('at', 'at, UTC', 'text'),
      col('actor', 'who', 'text'),
      col('action', 'what', 'text'),
      col('subject', 'which', 'text'),
      col('position', 'position', 'count'),
      col('hash', 'hash', 'text'),
    ],
    charts: [],
    isForReports: true,
  },
  trend: {
    title: 'How it went on',
    clock: 'business',
    columns: [
      col('period', 'period', 'text'),
      col('currency', 'currency', 'text'),
      col('policies', 'policies decided', 'count'),
      col('paidPolicies', 'paid', 'count'),
      col('incurredMinor', 'incurred', 'minor'),
      col('burnBps', 'burn', 'bps'),
      col('expectedBps', 'expected', 'bps'),
      col('lossRatioBps', 'loss ratio', 'bps'),
    ],
    charts: [
      { title: 'Burn against expectation', label: 'period', values: ['burnBps', 'expectedBps'] },
      { title: 'Loss ratio', label: 'period', values: ['lossRatioBps'] },
    ],
    isForReports: true,
  },
} as const satisfies Readonly<Record<string, SectionSpec>>

/** The name of a section. */
export type SectionName = keyof typeof SECTIONS

/** All names in the order in which they are shown. */
export const SECTION_NAMES = Object.keys(SECTIONS) as SectionName[] // its own keys

/** A section's declaration, widened. */
export function sectionSpec(name: SectionName): SectionSpec {
  return SECTIONS[name]
}

/** Sections with their rows. A section that was not measured is not there. */
export type Figures = Readonly<Partial<Record<SectionName, readonly FigureRow[]>>>
