/** Gauges of the business from the database: policies, payouts, cases, coverage, money. */
import type { BookTotalsStore } from '../domain/ports/book-totals.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Collector } from '../platform/metrics-server.ts'

/** Counting a book of a million policies takes some 100 ms: scrapes in quick succession share it. */
const FRESH_MS = 10_000

/** What a metrics server calls before a scrape. */
export function bookMetricsCollector(deps: {
  readonly totals: BookTotalsStore
  readonly metrics: Metrics
}): Collector {
  let readAtMs = Number.NEGATIVE_INFINITY
  return {
    source: 'database',
    collect: async () => {
      if (performance.now() - readAtMs < FRESH_MS) return
      const totals = await deps.totals.read()
      readAtMs = performance.now()
      const { metrics } = deps
      setByLabel(metrics.policies, 'state', totals.policiesByState)
      setByLabel(metrics.payouts, 'state', totals.payoutsByState)
      setByLabel(metrics.reviewCasesOpen, 'subject', totals.reviewCasesBySubject)
      metrics.legsInWindow.set(totals.legsInWindow)
      metrics.coverageIncidentsOpen.set(totals.coverageIncidentsOpen)
      metrics.ledgerBalance.reset()
      for (const { account, currency, balanceMinor } of totals.balances) {
        metrics.ledgerBalance.set({ account, currency }, Number(balanceMinor))
      }
    },
  }
}

type LabelledGauge<Label extends string> = {
  reset(): void
  set(labels: Partial<Record<Label, string>>, value: number): void
}

function setByLabel<Label extends string>(
  gauge: LabelledGauge<Label>,
  label: Label,
  counts: Readonly<Record<string, number>>,
): void {
  // A state that nothing is in any more must not keep its last value.
  gauge.reset()
  for (const [name, total] of Object.entries(counts)) {
    gauge.set({ [label]: name } as Partial<Record<Label, string>>, total) // the label it was given
  }
}
