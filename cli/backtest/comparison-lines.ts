/** What differs between two backtests, as lines for the terminal. */
import type { LegOutcome } from '../../operations/backtest.ts'
import type { BacktestComparison } from '../../operations/compare-backtests.ts'
import { BPS_WHOLE } from '../../domain/money.ts'
import { tableLines } from '../screen/table.ts'
import { percent } from './summary-lines.ts'

/** Counts, burn, the day that differs most, and the differing legs that the comparison carries. */
export function comparisonLines(comparison: BacktestComparison): string[] {
  const { legs, differing, differences, worstDay, differenceBps } = comparison
  const share = (part: number) => (legs === 0 ? 0 : part / legs)
  const worst =
    worstDay === null
      ? 'none'
      : `${worstDay.date}, ${percent(worstDay.firstBurn)} against ${percent(worstDay.secondBurn)} of the sum insured of ${worstDay.legs} legs`
  const lines = [
    `differ       ${differing} of ${legs} legs (${percent(share(differing))})`,
    `pays more    the first on ${comparison.firstPaysMore} legs, the second on ${comparison.secondPaysMore}`,
    `in review    ${comparison.reviewOnlyFirst} only in the first, ${comparison.reviewOnlySecond} only in the second`,
    `burn         ${signed(share(differenceBps) / BPS_WHOLE)} of the sum insured, second less first`,
    `worst day    ${worst}`,
  ]
  if (differences.length === 0) return lines
  const rows = differences.map(({ key, first, second }) => [key, text(first), text(second)])
  const rest = differing - differences.length
  const more = rest > 0 ? [`${rest} more differ; --limit shows more`] : []
  return [...lines, '', ...tableLines(['leg', 'first', 'second'], rows), ...more]
}

function text(outcome: LegOutcome): string {
  return outcome === 'REVIEW' ? 'review' : `${outcome} bps`
}

function signed(share: number): string {
  return `${share < 0 ? '' : '+'}${percent(share)}`
}
