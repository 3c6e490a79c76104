/** Gauges of what watches the platform: dead letters, fires that went wrong, and its own age. */
import { GAP_KINDS } from '../domain/expected-fires.ts'
import type { DeadLetterStore } from '../domain/ports/dead-letter-store.ts'
import type { RunReads } from '../domain/ports/run-store.ts'
import type { ScheduleWatchStore } from '../domain/ports/schedule-watch.ts'
import { SECOND_MS } from '../domain/time.ts'
import { allJobs } from '../jobs/registry.ts'
import type { Collector } from '../platform/metrics-server.ts'
import type { Metrics } from '../platform/metrics.ts'

/** What a metrics server calls before a scrape. */
export function runMetricsCollector(deps: {
  readonly deadLetters: Pick<DeadLetterStore, 'countOpen'>
  readonly runReads: Pick<RunReads, 'ageMs'>
  readonly watchStore: Pick<ScheduleWatchStore, 'figures'>
  readonly metrics: Metrics
}): Collector {
  const { deadLetters, runReads, watchStore, metrics } = deps
  const scheduled = allJobs().filter((job) => job.schedule !== undefined)
  return {
    source: 'runs',
    collect: async () => {
      const [open, ageMs, figures] = await Promise.all([
        deadLetters.countOpen(),
        runReads.ageMs(),
        watchStore.figures(scheduled.map((job) => job.name)),
      ])
      for (const { name, type } of allJobs()) {
        metrics.deadLettersOpen.set({ job_type: type }, open[name] ?? 0)
      }
      for (const { name, type } of scheduled) {
        const gaps = figures.find((one) => one.scheduleId === name)?.gaps
        for (const kind of GAP_KINDS) {
          metrics.scheduleGaps.set({ job_type: type, kind }, gaps?.[kind] ?? 0)
        }
      }
      if (ageMs !== null) metrics.projectionAge.set(ageMs / SECOND_MS)
    },
  }
}
