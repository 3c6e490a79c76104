/** What a backtest found, for people and files: decision lines, a summary, groups. */
import { BPS_WHOLE } from '../domain/money.ts'
import { MINUTE_MS } from '../domain/time.ts'
import type { LegBacktest } from './backtest.ts'

/** What legs can be grouped by, and where it stands in a leg's key. */
export const GROUPINGS = {
  month: (key: string) => fieldOf(key, 4).slice(0, 7),
  date: (key: string) => fieldOf(key, 4),
  carrier: (key: string) => fieldOf(key, 0),
  origin: (key: string) => fieldOf(key, 2),
  destination: (key: string) => fieldOf(key, 3),
} as const satisfies Record<string, (key: string) => string>

export type Grouping = keyof typeof GROUPINGS

/** Counts of some legs under one product. Legs in review count as legs and pay nothing here. */
export type LegTotals = {
  readonly legs: number
  readonly paying: number
  readonly inReview: number
  readonly sumBps: number
  /** Share of the sum insured that is paid, all legs being insured for the same sum. */
  readonly burn: number
}

/** A backtest in figures: paying legs, burn, the worst day. */
export type BacktestSummary = LegTotals & {
  /** The origin-local date with the greatest burn; null when there are no legs. */
  readonly worstDay: { readonly date: string; readonly burn: number; readonly legs: number } | null
  readonly pollsPerLeg: number
  /** Of the second source. */
  readonly secondPollsPerLeg: number
  /** Of the first source, after decisions; `pollsPerLeg` is without them. */
  readonly looksPerLeg: number
  /** From when a provider shows an arrival to the poll that sees it. Minutes. */
  readonly detectionMin: { readonly p50: number; readonly p95: number; readonly p99: number }
}

/**
 * `KEY=bps` lines of the product at `index`, sorted by key in code units. Legs in review have no
 * decision and no line.
 */
export function decisionLines(results: readonly LegBacktest[], index: number): string[] {
  const lines: { key: string; line: string }[] = []
  for (const { key, outcomes } of results) {
    const outcome = outcomes[index]
    if (typeof outcome === 'number') lines.push({ key, line: `${key}=${outcome}` })
  }
  return lines.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ line }) => line)
}

/** The summary of the product at `index`. */
export function summarise(results: readonly LegBacktest[], index: number): BacktestSummary {
  const days = [...groupTotals(results, index, ['date'])]
  const worst = days.toSorted(([, a], [, b]) => b.burn - a.burn)[0]
  const detections = results.map(({ detectionMs }) => detectionMs).filter((ms) => ms !== null)
  const sorted = Float64Array.from(detections).sort()
  const polls = results.reduce((sum, result) => sum + result.polls, 0)
  const secondPolls = results.reduce((sum, result) => sum + result.secondPolls, 0)
  const looks = results.reduce((sum, result) => sum + result.looks, 0)
  return {
    ...totalsOf(results, index),
    worstDay:
      worst === undefined ? null : { date: worst[0], burn: worst[1].burn, legs: worst[1].legs },
    pollsPerLeg: results.length === 0 ? 0 : polls / results.length,
    looksPerLeg: results.length === 0 ? 0 : looks / results.length,
    secondPollsPerLeg: results.length === 0 ? 0 : secondPolls / results.length,
    detectionMin: {
      p50: quantile(sorted, 0.5) / MINUTE_MS,
      p95: quantile(sorted, 0.95) / MINUTE_MS,
      p99: quantile(sorted, 0.99) / MINUTE_MS,
    },
  }
}

/** Totals per group, sorted by group; the groups' parts are joined by `|`. */
export function groupTotals(
  results: readonly LegBacktest[],
  index: number,
  by: readonly Grouping[],
): Map<string, LegTotals> {
  const groups = new Map<string, LegBacktest[]>()
  for (const result of results) {
    const group = by.map((grouping) => GROUPINGS[grouping](result.key)).join('|')
    const members = groups.get(group)
    if (members === undefined) groups.set(group, [result])
    else members.push(result)
  }
  const names = [...groups.keys()].toSorted()
  return new Map(names.map((name) => [name, totalsOf(groups.get(name) ?? [], index)]))
}

function totalsOf(results: readonly LegBacktest[], index: number): LegTotals {
  let paying = 0
  let inReview = 0
  let sumBps = 0
  for (const { outcomes } of results) {
    const outcome = outcomes[index]
    if (outcome === 'REVIEW') inReview += 1
    else if (outcome !== undefined && outcome > 0) {
      paying += 1
      sumBps += outcome
    }
  }
  const legs = results.length
  return { legs, paying, inReview, sumBps, burn: legs === 0 ? 0 : sumBps / (legs * BPS_WHOLE) }
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

function fieldOf(key: string, index: number): string {
  return key.split('|')[index] ?? ''
}
