/** Every job type, one line each. */
import { bookVerification } from './book-verification.ts'
import type { JobDefinition } from './define-job.ts'
import { cacheRefresh } from './cache-refresh.ts'
import { cleanup } from './cleanup.ts'
import { dpopReplayCacheCleanup } from './dpop-replay-cache-cleanup.ts'
import { flightMonitor } from './flight-monitor.ts'
import { maintenance } from './maintenance.ts'
import { paymentEvents } from './payment-events.ts'
import { outboxAndRunProjection } from './outbox-and-run-projection.ts'
import { notificationRelay } from './notification-relay.ts'
import { notification } from './notification.ts'
import { payout } from './payout.ts'
import { policyExpiration } from './policy-expiration.ts'
import { providerHealthCheck } from './provider-health-check.ts'
import { sessionCleanup } from './session-cleanup.ts'
import { reconciliation } from './reconciliation.ts'
import { correctionWatch } from './correction-watch.ts'
import { reviewOrchestration } from './review-orchestration.ts'
import { hourlyMetrics } from './hourly-metrics.ts'
import { dailyAnalytics } from './daily-analytics.ts'
import { weeklyTrends } from './weekly-trends.ts'
import { executiveSummary } from './executive-summary.ts'
import { report } from './report.ts'
import { logPruning } from './log-pruning.ts'
import { auditLogArchive } from './audit-log-archive.ts'
import { secretRotation } from './secret-rotation.ts'
import { providerInstanceCleanup } from './provider-instance-cleanup.ts'
import { coverageArming } from './coverage-arming.ts'
import { privacyRequest } from './privacy-request.ts'
import { privacyExportCleanup } from './privacy-export-cleanup.ts'
import { privacyRequestCleanup } from './privacy-request-cleanup.ts'

/** All jobs by name, in the order in which lists show them. */
export const JOBS = {
  'flight-monitor': flightMonitor,
  payout,
  'policy-expiration': policyExpiration,
  reconciliation,
  'payment-events': paymentEvents,
  'review-orchestration': reviewOrchestration,
  'book-verification': bookVerification,
  notification,
  'notification-relay': notificationRelay,
  maintenance,
  cleanup,
  'session-cleanup': sessionCleanup,
  'dpop-replay-cache-cleanup': dpopReplayCacheCleanup,
  'correction-watch': correctionWatch,
  'provider-health-check': providerHealthCheck,
  'provider-instance-cleanup': providerInstanceCleanup,
  'cache-refresh': cacheRefresh,
  'outbox-and-run-projection': outboxAndRunProjection,
  'coverage-arming': coverageArming,
  'log-pruning': logPruning,
  'audit-log-archive': auditLogArchive,
  'hourly-metrics': hourlyMetrics,
  'daily-analytics': dailyAnalytics,
  'weekly-trends': weeklyTrends,
  'executive-summary': executiveSummary,
  report,
  'secret-rotation': secretRotation,
  'privacy-request': privacyRequest,
  'privacy-export-cleanup': privacyExportCleanup,
  'privacy-request-cleanup': privacyRequestCleanup,
} as const

/** The name of a registered job. */
export type JobName = keyof typeof JOBS

/** Any job, when its input's type does not matter. */
export type AnyJob = JobDefinition

// Widening only: every definition is a JobDefinition; `workflowKey` is contravariant in its input.
const OWN_JOBS = Object.values(JOBS) as unknown as readonly AnyJob[]

/** With those of packs: set when a process begins, or a workflow's code is loaded, and then left alone. */
let jobs = OWN_JOBS

/** Adds the jobs of packs, in place of those that were added before. Before anything reads the registry. */
export function setPackJobs(ofPacks: readonly AnyJob[]): void {
  jobs = ofPacks.length === 0 ? OWN_JOBS : [...OWN_JOBS, ...ofPacks]
}

/** All jobs as a list, with names and schemas widened; those of packs come last. */
export function allJobs(): readonly AnyJob[] {
  return jobs
}

/** The job of a name (`flight-monitor`) or a public type (`FLIGHT_MONITOR`); undefined if none. */
export function findJob(nameOrType: string): AnyJob | undefined {
  return allJobs().find((job) => job.name === nameOrType || job.type === nameOrType)
}

/** The job whose workflow function has this name; undefined if none. */
export function findJobOfWorkflow(workflowType: string): AnyJob | undefined {
  return allJobs().find((job) => job.workflow === workflowType)
}
