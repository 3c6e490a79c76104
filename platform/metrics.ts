/**
 * Every metric of the product, with its labels and buckets, in one registry per process. Labels
 * come from closed sets only: never an id.
 */
import type { ProviderFailureKind } from '../domain/ports/flight-data-provider.ts'
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

import { holderMetrics } from './holder-metrics.ts'

/** Seconds a job may take; fixed by the public contract of the metric names. */
const JOB_BUCKETS_S = [1, 5, 10, 30, 60, 300]
/** From the provider's last change to the decision: 15 min and 1 h of confirmation, 3 h of a cancellation. */
const DETECTION_BUCKETS_S = [
  60, 300, 900, 960, 1_020, 1_200, 1_800, 3_600, 3_720, 7_200, 10_800, 21_600, 86_400,
]
/** From the decision to the money accepted by the payment provider. */
const PAYOUT_BUCKETS_S = [1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600]
const HTTP_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The four levels that a job can have. */
export type JobPriority = 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL'
/** How a finished run ended. */
export type RunStatus = 'success' | 'failed' | 'timeout' | 'cancelled' | 'terminated'
/** What an outside service answered. */
export type ProviderOutcome =
  | 'ok'
  | Lowercase<ProviderFailureKind>
  // Of payments: refused for good, or sent without knowing what became of it.
  | 'rejected'
  | 'unknown'
  // Given up by us.
  | 'aborted'

/** All metrics of a process. `registry.metrics()` is the page to scrape. */
export type Metrics = ReturnType<typeof buildMetrics>

function jobMetrics(registers: Registry[]) {
  return {
    scheduledJobs: new Gauge({
      registers,
      name: 'task_scheduler_scheduled_jobs_total',
      help: 'Runs waiting for their time: enabled schedules and jobs started with a delay',
      labelNames: ['job_type'],
    }),
    jobsEnqueued: new Counter({
      registers,
      name: 'task_scheduler_jobs_enqueued_total',
      help: 'Runs started, by schedule or by hand',
      labelNames: ['job_type', 'priority'],
    }),
    jobsCompleted: new Counter({
      registers,
      name: 'task_scheduler_jobs_completed_total',
      help: 'Runs that ended, by how they ended',
      labelNames: ['job_type', 'status'],
    }),
    jobsFailed: new Counter({
      registers,
      name: 'task_scheduler_jobs_failed_total',
      help: 'Runs that did not succeed, by the type of the error',
      labelNames: ['job_type', 'error'],
    }),
    jobsRetried: new Counter({
      registers,
      name: 'task_scheduler_jobs_retried_total',
      help: 'Steps of a run that were tried again; retry_count is 1 to 9, or 10+',
      labelNames: ['job_type', 'retry_count'],
    }),
    jobDuration: new Histogram({
      registers,
      name: 'task_scheduler_job_duration_seconds',
      help: 'Wall time of ended runs',
      labelNames: ['job_type'],
      buckets: JOB_BUCKETS_S,
    }),
    queueSize: new Gauge({
      registers,
      name: 'task_scheduler_queue_size',
      help: 'Tasks that wait for a worker, by priority',
      labelNames: ['priority'],
    }),
    policyMonitoringErrors: new Counter({
      registers,
      name: 'task_scheduler_policy_monitoring_errors_total',
      help: 'Legs whose poll failed, by kind of failure',
      labelNames: ['error'],
    }),
    activeWorkers: new Gauge({
      registers,
      name: 'task_scheduler_active_workers',
      help: 'Workers whose last heartbeat is recent',
      labelNames: ['queue'],
    }),
    workerSlots: new Gauge({
      registers,
      name: 'task_scheduler_worker_slots',
      help: 'Activity slots of the active workers',
      labelNames: ['state'],
    }),
  }
}

function monitoringMetrics(registers: Registry[]) {
  return {
    policies: new Gauge({
      registers,
      name: 'groundstop_policies',
      help: 'Policies in the book, by state',
      labelNames: ['state'],
    }),
    decisions: new Counter({
      registers,
      name: 'groundstop_decisions_total',
      help: 'Policies decided, by outcome',
      labelNames: ['outcome'],
    }),
    secondSourceSilent: new Counter({
      registers,
      name: 'groundstop_second_source_silent_total',
      help: 'Times that the second flight-data source gave no answer about a leg',
    }),
    timetableLooks: new Counter({
      registers,
      name: 'groundstop_timetable_looks_total',
      help: 'Looks at the timetable for legs weeks ahead, by what they found',
      labelNames: ['outcome'],
    }),
    corrections: new Counter({
      registers,
      name: 'groundstop_corrected_policies_total',
      help: 'Policies decided on evidence that was corrected later: higher is owed, lower is leakage',
      labelNames: ['direction'],
    }),
    detectionLatency: new Histogram({
      registers,
      name: 'groundstop_detection_latency_seconds',
      help: 'Flight time from the last change that the provider showed to the decision',
      buckets: DETECTION_BUCKETS_S,
    }),
    legsInWindow: new Gauge({
      registers,
      name: 'groundstop_legs_in_window',
      help: 'Undecided legs from two hours before departure on: those that coverage is counted of',
    }),
    legsUndecided: new Gauge({
      registers,
      name: 'groundstop_legs_undecided',
      help: 'Insured legs with policies that are not decided, near or far ahead',
    }),
    coverageIncidentsOpen: new Gauge({
      registers,
      name: 'groundstop_coverage_incidents_open',
      help: 'Coverage incidents that are open',
    }),
    coverageIncidents: new Counter({
      registers,
      name: 'groundstop_coverage_incidents_total',
      help: 'Coverage incidents opened',
    }),
  }
}

function moneyMetrics(registers: Registry[]) {
  return {
    payouts: new Gauge({
      registers,
      name: 'groundstop_payouts',
      help: 'Payouts, by state',
      labelNames: ['state'],
    }),
    payoutEvents: new Counter({
      registers,
      name: 'groundstop_payout_events_total',
      help: 'Steps that payouts went through, by what happened',
      labelNames: ['event'],
    }),
    payoutLatency: new Histogram({
      registers,
      name: 'groundstop_payout_latency_seconds',
      help: 'Wall time from the making of a payout to its acceptance by the payment provider',
      buckets: PAYOUT_BUCKETS_S,
    }),
    reviewCasesOpen: new Gauge({
      registers,
      name: 'groundstop_review_cases_open',
      help: 'Cases that wait for a person, by what they are about',
      labelNames: ['subject'],
    }),
    reviewEvents: new Counter({
      registers,
      name: 'groundstop_review_events_total',
      help: 'What happened to review cases by itself: closed, released, reminded, escalated',
      labelNames: ['event'],
    }),
    bookBreaks: new Gauge({
      registers,
      name: 'groundstop_book_breaks',
      help: 'Breaks of each invariant that the last verification of the book found',
      labelNames: ['invariant'],
    }),
    reviewRunsWaiting: new Gauge({
      registers,
      name: 'groundstop_review_cases_waiting',
      help: 'Open cases that wait for a run because as many are open as may be',
    }),
    ledgerBalance: new Gauge({
      registers,
      name: 'groundstop_ledger_balance_minor',
      help: 'Balance of the shared ledger accounts in minor units',
      labelNames: ['account', 'currency'],
    }),
  }
}

function watchMetrics(registers: Registry[]) {
  return {
    deadLettersOpen: new Gauge({
      registers,
      name: 'groundstop_dead_letters_open',
      help: 'Runs that died or are parked and wait for a person',
      labelNames: ['job_type'],
    }),
    scheduleGaps: new Gauge({
      registers,
      name: 'groundstop_schedule_gaps',
      help: 'Fires of the last day that did not happen as they should, by what became of them',
      labelNames: ['job_type', 'kind'],
    }),
    projectionAge: new Gauge({
      registers,
      name: 'groundstop_run_projection_age_seconds',
      help: 'Time since the kept runs were last in step with the Temporal server',
    }),
  }
}

function doorMetrics(registers: Registry[]) {
  return {
    providerCalls: new Counter({
      registers,
      name: 'groundstop_provider_calls_total',
      help: 'Requests to outside services, by outcome',
      labelNames: ['provider', 'operation', 'outcome'],
    }),
    providerDuration: new Histogram({
      registers,
      name: 'groundstop_provider_call_duration_seconds',
      help: 'Time that outside services take to answer',
      labelNames: ['provider', 'operation'],
      buckets: HTTP_BUCKETS_S,
    }),
    httpRequests: new Histogram({
      registers,
      name: 'groundstop_http_request_duration_seconds',
      help: 'Requests to our API, by route pattern',
      labelNames: ['method', 'route', 'status'],
      buckets: HTTP_BUCKETS_S,
    }),
    secretKeyAge: new Gauge({
      registers,
      name: 'groundstop_secret_key_age_seconds',
      help: 'Age of the active key of a ring',
      labelNames: ['ring'],
    }),
    secretRotations: new Counter({
      registers,
      name: 'groundstop_secret_rotation_steps_total',
      help: 'Steps of rotations: keys made, put to use, retired',
      labelNames: ['ring', 'action'],
    }),
    collectErrors: new Counter({
      registers,
      name: 'groundstop_metrics_collect_errors_total',
      help: 'Scrapes for which a source of metrics did not answer',
      labelNames: ['source'],
    }),
  }
}

function providerMetrics(registers: Registry[]) {
  return {
    providerBudgetMarks: new Counter({
      registers,
      name: 'task_scheduler_provider_budget_marks_total',
      help: 'Marks (80 and 100 per cent) that budgets of calls came to, once a day or month each',
      labelNames: ['provider', 'period', 'percent'],
    }),
    providerStateChanges: new Counter({
      registers,
      name: 'task_scheduler_provider_state_changes_total',
      help: 'Providers that came into a state: UP, DEGRADED or DOWN',
      labelNames: ['provider', 'state'],
    }),
    providerUp: new Gauge({
      registers,
      name: 'task_scheduler_provider_up',
      help: 'Whether a provider answers: 1 up, 0.5 degraded, 0 down',
      labelNames: ['provider'],
    }),
    providerErrorShare: new Gauge({
      registers,
      name: 'task_scheduler_provider_error_share',
      help: 'Share of failed calls in the last quarter of an hour, 0 to 1',
      labelNames: ['provider'],
    }),
    providerBreakersOpen: new Gauge({
      registers,
      name: 'task_scheduler_provider_breakers_open',
      help: 'Processes whose circuit breaker around a provider is not closed',
      labelNames: ['provider'],
    }),
    providerLastAnswer: new Gauge({
      registers,
      name: 'task_scheduler_provider_last_answer_timestamp_seconds',
      help: 'When a provider answered last, Unix time',
      labelNames: ['provider'],
    }),
    providerQuotaUsed: new Gauge({
      registers,
      name: 'task_scheduler_provider_quota_used_units',
      help: 'Units of the present day or month that were used',
      labelNames: ['provider', 'period'],
    }),
    providerInstancesRemoved: new Counter({
      registers,
      name: 'groundstop_provider_instances_removed_total',
      help: 'Rows that processes and keys of providers left behind when they went',
      labelNames: ['kind'],
    }),
    providerQuotaBudget: new Gauge({
      registers,
      name: 'task_scheduler_provider_quota_budget_units',
      help: 'The budget of a day or month; absent without a limit',
      labelNames: ['provider', 'period'],
    }),
  }
}

function analyticsMetrics(registers: Registry[]) {
  return {
    logFilesRemoved: new Counter({
      registers,
      name: 'groundstop_log_files_removed_total',
      help: 'Rotated log files that were beyond the number or the age kept',
    }),
    periodsMeasured: new Counter({
      registers,
      name: 'groundstop_periods_measured_total',
      help: 'Periods whose figures were kept: for the first time, the same again, or other than before',
      labelNames: ['kind', 'outcome'],
    }),
  }
}

function buildMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    ...jobMetrics(registers),
    ...monitoringMetrics(registers),
    ...moneyMetrics(registers),
    ...holderMetrics(registers),
    ...doorMetrics(registers),
    ...providerMetrics(registers),
    ...watchMetrics(registers),
    ...analyticsMetrics(registers),
  }
}

/** A new registry with every metric of the product. One per process, made by its main. */
export function createMetrics(): Metrics {
  return buildMetrics()
}

/** Adds the metrics of the Node process itself (memory, event loop, garbage collection). */
export function addProcessMetrics(metrics: Metrics): void {
  collectDefaultMetrics({ register: metrics.registry })
}

/** Retries above it share one label value: labels stay a closed set. */
const RETRY_LABEL_LIMIT = 9

/** The `retry_count` label of the n-th retry: `1` to `9`, then `10+`. */
export function retryLabel(retry: number): string {
  return retry > RETRY_LABEL_LIMIT ? '10+' : String(retry)
}
