/** A run's figures as a page of Markdown, and as lines for the terminal. */
import { cpus } from 'node:os'

import type { ShownWrong } from './inspection.ts'
import type { RunFigures } from './run.ts'

/** What stands beside the figures. */
export type ReportContext = {
  /** The command that made it, as a person would type it. */
  readonly command: string
  /** Wall time of the run's end. */
  readonly madeAt: Date
  /** Of the last five minutes, at the run's end. */
  readonly loadAverage: number
}

/** One row of the table of figures. */
type Row = readonly [what: string, value: string]

/** The page of one command's runs, one a fault. */
export function reportPage(runs: readonly RunFigures[], context: ReportContext): string {
  const [first] = runs
  if (first === undefined) throw new Error('a report needs a run')
  const { plan } = first
  const days = plan.days === 1 ? 'One day' : `${plan.days} days`
  return [
    `# ${days} from ${plan.from}`,
    '',
    '```',
    context.command,
    '```',
    '',
    `${context.madeAt.toISOString().slice(0, 10)}, ${cpus().length} cores, load ${context.loadAverage.toFixed(1)}, ` +
      `Node ${process.versions.node}. Seed ${plan.seed}, ${plan.sources === 2 ? 'two sources' : 'one source'}, steps of at least ${plan.minStepMs / 60_000} minutes.`,
    '',
    ...(runs.length === 1 ? [] : [...table(OVERVIEW_HEAD, runs.map(overviewRow)), '']),
    ...runs.flatMap((figures) => ['', ...runLines(figures, runs.length === 1)]).slice(1),
    '',
  ].join('\n')
}

const OVERVIEW_HEAD = [
  'fault',
  'right',
  'false pays',
  'false denials',
  'in review',
  'right in the end',
  'transfers',
  'polls a leg',
  'unanswered',
  'seconds',
  'bounds',
]

function overviewRow(figures: RunFigures): string[] {
  const { judgement, plan, policies, stepped, legs, broken } = figures
  const { right, falsePay, falseDenial, review } = judgement.counts
  return [
    `\`${plan.profile.name}\``,
    `${right} of ${right + falsePay + falseDenial}`,
    String(falsePay),
    String(falseDenial),
    `${review} (${percent(review, policies)})`,
    `${figures.finalJudgement.counts.right} of ${policies}`,
    String(figures.transfers),
    (stepped.polls / legs).toFixed(2),
    String(stepped.failedPolls),
    figures.totalS.toFixed(0),
    broken.length === 0 ? 'hold' : 'do **not** hold',
  ]
}

/** All figures when the page is this run's alone; else what the table of runs does not say. */
function runLines(figures: RunFigures, isAlone: boolean): string[] {
  const { plan, broken } = figures
  const name = plan.profile.name
  return [
    name === 'none' ? '## Without faults' : `## With \`${name}\``,
    ...switchLines(figures),
    ...(isAlone ? ['', ...table(['', ''], rowsOf(figures))] : []),
    '',
    broken.length === 0 ? 'All bounds hold.' : 'Bounds that do **not** hold:',
    ...(broken.length === 0 ? [] : ['', ...broken.slice(0, 20).map((text) => `- ${text}`)]),
    ...reviewLines(figures),
    ...wrongLines(figures),
  ]
}

/** One line for the terminal and for a table of many runs. */
export function summaryLine(figures: RunFigures): string {
  const { counts } = figures.judgement
  const verdict = figures.broken.length === 0 ? 'held' : `NOT HELD: ${figures.broken.join('; ')}`
  return (
    `${figures.plan.profile.name}: ${counts.right} of ${figures.policies} right, ` +
    `${counts.falsePay} false pays, ${counts.falseDenial} false denials, ` +
    `${counts.review} in review (${percent(counts.review, figures.policies)}), ` +
    `${counts.undecided} undecided, ${figures.finalJudgement.counts.right} right in the end, ${figures.totalS.toFixed(0)} s; ${verdict}`
  )
}

function rowsOf(figures: RunFigures): Row[] {
  const { counts } = figures.judgement
  const { stepped, plan, policies } = figures
  const automatic = counts.right + counts.falsePay + counts.falseDenial
  return [
    ['legs, policies', `${figures.legs}, ${policies} (${plan.products.join(', ')})`],
    ['right', `${counts.right} of ${automatic} automatic decisions`],
    ['false pays, false denials', `${counts.falsePay}, ${counts.falseDenial}`],
    ['in review', `${counts.review} (${percent(counts.review, policies)})`],
    ['undecided', String(counts.undecided)],
    ['right in the end', reviewedText(figures)],
    [
      'owed by the oracle, decided',
      `${money(figures.owedMinor)}, ${money(figures.decidedMinor)} USD`,
    ],
    ['transfers at the payment server', transfersText(figures)],
    ['expired', `${figures.expired} policies without pay, their escrow released`],
    ['legs not asked about in time', String(figures.coverageIncidents)],
    [
      'polls',
      `${stepped.polls}, ${(stepped.polls / figures.legs).toFixed(2)} a leg; ${stepped.failedPolls} without an answer`,
    ],
    ['steps, ticks', `${stepped.steps}, ${stepped.ticks}`],
    [
      'wall time',
      `${figures.totalS.toFixed(0)} s: start ${figures.bootS.toFixed(0)}, bind ${figures.bindS.toFixed(0)}, ` +
        `ticks ${stepped.tickS.toFixed(0)}, payouts ${stepped.restS.toFixed(0)}`,
    ],
  ]
}

function reviewedText({ finalJudgement, reviewed, policies }: RunFigures): string {
  const { right } = finalJudgement.counts
  return `${right} of ${policies}, ${reviewed.cases} cases decided by the scripted reviewer`
}

function transfersText({ transfers, books }: RunFigures): string {
  const problems = books.moneyProblems.length
  return problems === 0
    ? `${transfers}, each once and as decided`
    : `${transfers}, ${problems} wrong`
}

function switchLines({ plan: { profile } }: RunFigures): string[] {
  if (Object.keys(profile.switches).length === 0) return []
  const { outage } = profile
  const when =
    outage === undefined
      ? ''
      : `, in the first ${outage.forMin} of every ${outage.everyMin} minutes`
  return ['', `Switches${when}:`, '', '```', JSON.stringify(profile.switches), '```']
}

function reviewLines({ reviewReasons }: RunFigures): string[] {
  if (reviewReasons.length === 0) return []
  const rows = reviewReasons.map(
    ([reason, policies]) => [`\`${reason}\``, String(policies)] as const,
  )
  return ['', ...table(['review because of', 'policies'], rows)]
}

function wrongLines({ shown, judgement }: RunFigures): string[] {
  if (shown.length === 0) return []
  const all = judgement.counts.falsePay + judgement.counts.falseDenial
  return [
    '',
    `The first ${shown.length} of ${all} wrong decisions:`,
    '',
    ...shown.map((one) => `- ${wrongText(one)}`),
  ]
}

function wrongText({ owed, got, detail, verdict, policyNumber }: ShownWrong): string {
  const facts =
    detail === null
      ? 'no evaluation'
      : `delay ${detail.delayMin ?? 'none'}, arrival ${detail.arrival ?? 'none'}, ` +
        `${detail.reasons.join(' ')} at ${detail.evaluatedAt}`
  const kind = verdict === 'falsePay' ? 'false pay' : 'false denial'
  return `${kind} \`${policyNumber}\`: owed ${owed.bps} bps, got ${got?.bps ?? 'none'} (${facts})`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) =>
    Math.max(3, ...all.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)]
}

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(2)} %`
}

function money(minor: number): string {
  return (minor / 100).toFixed(2)
}
