/** Two backtests of the same flights side by side: where they differ, and what it costs. */
import { BPS_WHOLE } from '../domain/money.ts'
import { GROUPINGS } from './backtest-report.ts'
import type { LegBacktest, LegOutcome } from './backtest.ts'

/** A leg that is decided differently. */
export type LegDifference = {
  readonly key: string
  readonly first: LegOutcome
  readonly second: LegOutcome
}

/** The origin-local date on which the two differ most. Burns are shares of the sum insured. */
export type DayDifference = {
  readonly date: string
  readonly legs: number
  readonly firstBurn: number
  readonly secondBurn: number
}

/** What differs. */
export type BacktestComparison = {
  readonly legs: number
  readonly differing: number
  /** Legs for which the first, the second pays more. */
  readonly firstPaysMore: number
  readonly secondPaysMore: number
  /** Legs that only the first, only the second leaves to people. */
  readonly reviewOnlyFirst: number
  readonly reviewOnlySecond: number
  /** Basis points summed over all legs, second less first. */
  readonly differenceBps: number
  /** Null when no day differs. */
  readonly worstDay: DayDifference | null
  /** The greatest difference first, then by key; a review counts as nothing paid. */
  readonly differences: readonly LegDifference[]
}

/** The two runs are not of the same legs in the same order: nothing can be compared. */
export class DifferentLegsError extends Error {
  override readonly name = 'DifferentLegsError'
}

/** Compares the first product of each of two backtests of one pack. Throws DifferentLegsError. */
export function compareBacktests(
  first: readonly LegBacktest[],
  second: readonly LegBacktest[],
): BacktestComparison {
  if (first.length !== second.length) {
    throw new DifferentLegsError(`${first.length} legs against ${second.length}`)
  }
  const pairs = first.map((leg, i) => pairOf(leg, second[i]))
  const differences = pairs.filter((pair) => pair.first !== pair.second)
  const count = (holds: (pair: LegDifference) => boolean) => differences.filter(holds).length
  return {
    legs: pairs.length,
    differing: differences.length,
    firstPaysMore: count((pair) => excessOf(pair) < 0),
    secondPaysMore: count((pair) => excessOf(pair) > 0),
    reviewOnlyFirst: count((pair) => pair.first === 'REVIEW'),
    reviewOnlySecond: count((pair) => pair.second === 'REVIEW'),
    differenceBps: differences.reduce((sum, pair) => sum + excessOf(pair), 0),
    worstDay: worstDay(pairs),
    differences: differences.toSorted(
      (a, b) => Math.abs(excessOf(b)) - Math.abs(excessOf(a)) || (a.key < b.key ? -1 : 1),
    ),
  }
}

function pairOf(first: LegBacktest, second: LegBacktest | undefined): LegDifference {
  const [of] = first.outcomes
  const [to] = second?.outcomes ?? []
  if (second?.key !== first.key || of === undefined || to === undefined) {
    throw new DifferentLegsError(`leg ${first.key} against ${second?.key ?? 'none'}`)
  }
  return { key: first.key, first: of, second: to }
}

function paid(outcome: LegOutcome): number {
  return outcome === 'REVIEW' ? 0 : outcome
}

function excessOf({ first, second }: LegDifference): number {
  return paid(second) - paid(first)
}

function worstDay(pairs: readonly LegDifference[]): DayDifference | null {
  const days = new Map<string, { legs: number; first: number; second: number }>()
  for (const { key, first, second } of pairs) {
    const date = GROUPINGS.date(key)
    const day = days.get(date) ?? { legs: 0, first: 0, second: 0 }
    days.set(date, {
      legs: day.legs + 1,
      first: day.first + paid(first),
      second: day.second + paid(second),
    })
  }
  let worst: DayDifference | null = null
  for (const [date, { legs, first, second }] of days) {
    const [firstBurn, secondBurn] = [first, second].map((bps) => bps / (legs * BPS_WHOLE))
    const day = { date, legs, firstBurn: firstBurn ?? 0, secondBurn: secondBurn ?? 0 }
    if (gapOf(day) > (worst === null ? 0 : gapOf(worst))) worst = day
  }
  return worst
}

function gapOf({ firstBurn, secondBurn }: DayDifference): number {
  return Math.abs(secondBurn - firstBurn)
}
