/** The metrics of messages and of requests of persons; part of those of `metrics.ts`. */
import { Counter, Gauge, type Registry } from 'prom-client'

/** One metric for each figure, in these registries. */
export function holderMetrics(registers: Registry[]): {
  readonly notifications: Counter<'channel' | 'outcome'>
  readonly notificationsQueued: Gauge
  readonly notificationQueueAge: Gauge
  readonly privacyRequestsOpen: Gauge<'kind'>
  readonly privacyRequestsOverdue: Gauge<'kind'>
} {
  return {
    notifications: new Counter({
      registers,
      name: 'groundstop_notifications_total',
      help: 'Messages handled, by channel and what became of the try',
      labelNames: ['channel', 'outcome'],
    }),
    notificationsQueued: new Gauge({
      registers,
      name: 'groundstop_notifications_queued',
      help: 'Messages that wait to be sent',
    }),
    notificationQueueAge: new Gauge({
      registers,
      name: 'groundstop_notification_queue_age_seconds',
      help: 'Age of the oldest message that waits to be sent',
    }),
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
