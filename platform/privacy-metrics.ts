/** The metrics of requests of persons; part of those of `metrics.ts`. */
import { Gauge, type Registry } from 'prom-client'

/** One gauge for each figure, in these registries. */
export function privacyMetrics(registers: Registry[]): {
  readonly privacyRequestsOpen: Gauge<'kind'>
  readonly privacyRequestsOverdue: Gauge<'kind'>
} {
  return {
    privacyRequestsOpen: new Gauge({
      registers,
      name: 'groundstop_privacy_requests_open',
      help: 'Requests of persons about their own data that are not answered',
      labelNames: ['kind'],
    }),
    privacyRequestsOverdue: new Gauge({
      registers,
      name: 'groundstop_privacy_requests_overdue',
      help: 'Those of them past their legal month',
      labelNames: ['kind'],
    }),
  }
}
