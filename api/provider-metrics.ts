/** Gauges of outside services, from what the health check stored last. */
import type { ProviderHealth, ProviderHealthStore } from '../domain/ports/provider-health-store.ts'
import { MINUTE_MS, SECOND_MS, toMs } from '../domain/time.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Collector } from '../platform/metrics-server.ts'

const UP_VALUES = { UP: 1, DEGRADED: 0.5, DOWN: 0 } as const

/** A provider that is not configured any more is not checked any more, and has no figures. */
const STALE_MS = 10 * MINUTE_MS

/** What a metrics server calls before a scrape. */
export function providerMetricsCollector(deps: {
  readonly healthStore: Pick<ProviderHealthStore, 'list'>
  readonly metrics: Metrics
}): Collector {
  const { healthStore, metrics } = deps
  return {
    source: 'providers',
    collect: async () => {
      const listed = await healthStore.list()
      for (const gauge of gaugesOf(metrics)) gauge.reset()
      for (const health of listed) {
        if (Date.now() - toMs(health.checkedAt) < STALE_MS) setGauges(metrics, health)
      }
    },
  }
}

function gaugesOf(metrics: Metrics): { reset(): void }[] {
  return [
    metrics.providerUp,
    metrics.providerErrorShare,
    metrics.providerBreakersOpen,
    metrics.providerLastAnswer,
    metrics.providerQuotaUsed,
    metrics.providerQuotaBudget,
  ]
}

function setGauges(metrics: Metrics, health: ProviderHealth): void {
  const { provider, dayBudget, monthBudget } = health
  metrics.providerUp.set({ provider }, UP_VALUES[health.state])
  metrics.providerErrorShare.set({ provider }, health.failures / Math.max(1, health.calls))
  metrics.providerBreakersOpen.set({ provider }, health.openBreakers)
  if (health.lastAnswerAt !== null) {
    metrics.providerLastAnswer.set({ provider }, toMs(health.lastAnswerAt) / SECOND_MS)
  }
  metrics.providerQuotaUsed.set({ provider, period: 'day' }, health.dayUnits)
  metrics.providerQuotaUsed.set({ provider, period: 'month' }, health.monthUnits)
  if (dayBudget !== null) metrics.providerQuotaBudget.set({ provider, period: 'day' }, dayBudget)
  if (monthBudget !== null) {
    metrics.providerQuotaBudget.set({ provider, period: 'month' }, monthBudget)
  }
}
