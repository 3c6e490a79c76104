/** A backtest's figures as lines for the terminal. */
import type { Product } from '../../domain/product.ts'
import type { Accuracy } from '../../operations/backtest-accuracy.ts'
import type { BacktestSummary, Grouping, LegTotals } from '../../operations/backtest-report.ts'

/** One line a figure. */
export function summaryLines(
  product: Product,
  summary: BacktestSummary,
  seconds: number,
): string[] {
  const { worstDay, detectionMin: detection } = summary
  const worst =
    worstDay === null
      ? 'none'
      : `${worstDay.date}, ${percent(worstDay.burn)} of the sum insured of ${worstDay.legs} legs`
  return [
    `product      ${product.code} version ${product.version}`,
    `legs         ${summary.legs}, decided in ${seconds.toFixed(1)} s`,
    `paying legs  ${summary.paying} (${percent(summary.legs === 0 ? 0 : summary.paying / summary.legs)})`,
    `burn         ${percent(summary.burn)} of the sum insured`,
    `worst day    ${worst}`,
    `in review    ${summary.inReview}`,
    `polls        ${summary.pollsPerLeg.toFixed(2)} a leg, ${summary.secondPollsPerLeg.toFixed(2)} of the second source, ` +
      `${summary.looksPerLeg.toFixed(2)} after the decision`,
    `arrival seen p50 ${detection.p50.toFixed(1)}, p95 ${detection.p95.toFixed(1)}, p99 ${detection.p99.toFixed(1)} min after it is shown`,
  ]
}

/** How the decisions compare with what the carriers themselves reported. */
export function accuracyLines({ falsePays, falseDenials, foundLater }: Accuracy): string[] {
  const wrong = `${falsePays} paid too much, ${falseDenials} too little or not at all`
  return [`wrong        ${wrong}; ${foundLater} of them found by the look after the decision`]
}

/** A table with a line a group; nothing without groups. */
export function groupLines(
  by: readonly Grouping[],
  groups: ReadonlyMap<string, LegTotals> | null,
): string[] {
  if (groups === null) return []
  const rows = [...groups].map(([name, totals]) => [
    ...name.split('|'),
    String(totals.legs),
    String(totals.paying),
    percent(totals.burn),
    String(totals.inReview),
  ])
  const table = [[...by, 'legs', 'paying', 'burn', 'in review'], ...rows]
  const widths = (table[0] ?? []).map((_, i) =>
    Math.max(...table.map((row) => row[i]?.length ?? 0)),
  )
  return ['', ...table.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  '))]
}

/** A share with two decimals: `7.47 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
