/** Gauges of the business from the database: policies, payouts, cases, coverage, money. */
import type { BookTotalsStore } from '../domain/ports/book-totals.ts'
import type { LatencyLog } from '../domain/ports/latency-log.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { addMs, instantFromMs } from '../domain/time.ts'
import { WINDOW_BEFORE_OUT_MS } from '../operations/check-coverage.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Collector } from '../platform/metrics-server.ts'

/** Counting a book of a million policies takes some 100 ms: scrapes in quick succession share it. */
const FRESH_MS = 10_000

const MS_PER_S = 1_000

/**
 * What a metrics server calls before a scrape. Latencies are counted once, from now on.
 */
export function bookMetricsCollector(deps: {
  readonly totals: BookTotalsStore
  readonly latencies: LatencyLog
  readonly clock: Clock
  readonly metrics: Metrics
}): Collector {
  let readAtMs = Number.NEGATIVE_INFINITY
  let countedUntil = instantFromMs(Date.now())
  const countLatencies = async (): Promise<void> => {
    const { until, payoutMs, decisionMs } = await deps.latencies.readSince(countedUntil)
    countedUntil = until
    for (const ms of payoutMs) deps.metrics.payoutLatency.observe(ms / MS_PER_S)
    for (const ms of decisionMs) deps.metrics.detectionLatency.observe(ms / MS_PER_S)
  }
  return {
    source: 'database',
    collect: async () => {
      if (performance.now() - readAtMs < FRESH_MS) return
      // Set first: a scrape that comes while this one reads must not count the same again.
      readAtMs = performance.now()
      await countLatencies()
      const windowUntil = addMs(await deps.clock.now(), WINDOW_BEFORE_OUT_MS)
      const totals = await deps.totals.read(windowUntil)
      const { metrics } = deps
      setByLabel(metrics.policies, 'state', totals.policiesByState)
      setByLabel(metrics.payouts, 'state', totals.payoutsByState)
      setByLabel(metrics.reviewCasesOpen, 'subject', totals.reviewCasesBySubject)
      metrics.legsUndecided.set(totals.legsUndecided)
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
