/** Gauges of open requests of persons from the database, for the alert that knows the legal clock. */
import type { PrivacyRequestStore } from '../domain/ports/privacy-requests.ts'
import { instantFromMs } from '../domain/time.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Collector } from '../platform/metrics-server.ts'

/** What a metrics server calls before a scrape: two counts by an index of open requests. */
export function privacyMetricsCollector(deps: {
  readonly privacyRequests: Pick<PrivacyRequestStore, 'totals'>
  readonly metrics: Metrics
}): Collector {
  const { privacyRequests, metrics } = deps
  return {
    source: 'database',
    collect: async () => {
      for (const { kind, open, overdue } of await privacyRequests.totals(
        instantFromMs(Date.now()),
      )) {
        metrics.privacyRequestsOpen.set({ kind }, open)
        metrics.privacyRequestsOverdue.set({ kind }, overdue)
      }
    },
  }
}
