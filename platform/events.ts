/**
 * The closed set of business events: one function each, which writes one line and moves the
 * metrics that belong to it. Nothing else writes these lines.
 */
import type { BudgetNotice } from '../domain/ports/call-allowance.ts'
import type { NotificationChannel } from '../domain/notification.ts'
import type { ProviderFailureKind } from '../domain/ports/flight-data-provider.ts'
import type { ProviderStateChange } from '../domain/ports/provider-health-store.ts'
import { PLAN_PRODUCTS, type ProviderPlan } from '../domain/provider-plan.ts'
import { instanceEvents } from './instance-events.ts'
import type { Logger } from './logger.ts'
import { secretEvents } from './secret-events.ts'
import {
  retryLabel,
  type JobPriority,
  type Metrics,
  type ProviderOutcome,
  type RunStatus,
} from './metrics.ts'
import { watchEvents } from './watch-events.ts'

const MS_PER_S = 1_000

/** The kinds of failure of a poll that have a label of their own; others count as `other`. */
const POLL_ERRORS: readonly (ProviderFailureKind | 'UNEXPECTED')[] = [
  'NOT_FOUND',
  'THROTTLED',
  'QUOTA',
  'AUTH',
  'BAD_REQUEST',
  'UNAVAILABLE',
  'MALFORMED',
  'UNEXPECTED',
]

/** A run of a job, as events name it. */
export type RunRef = { readonly jobType: string; readonly jobId: string; readonly queue?: string }

/** The figures of one tick that are logged and counted. */
export type TickSummary = {
  readonly due: number
  readonly claimed: number
  readonly polled: number
  readonly failed: number
  readonly evaluations: number
  readonly payoutsCreated: number
  readonly durationMs: number
}

/** The events of a process. */
export type Events = ReturnType<typeof buildEvents>

function buildEvents(deps: Deps) {
  return {
    ...jobEvents(deps),
    ...monitoringEvents(deps),
    ...payoutEvents(deps),
    ...reviewEvents(deps),
    ...notificationEvents(deps),
    ...doorEvents(deps),
    ...providerEvents(deps),
    ...watchEvents(deps),
    ...instanceEvents(deps),
    ...analyticsEvents(deps),
  }
}

type Deps = { readonly logger: Logger; readonly metrics: Metrics }

/** Events that write through this logger and count in these metrics. */
export const createEvents: (deps: Deps) => Events = buildEvents

function jobEvents({ logger, metrics }: Deps) {
  return {
    jobEnqueued(run: RunRef & { readonly priority: JobPriority; readonly trigger: string }): void {
      metrics.jobsEnqueued.inc({ job_type: run.jobType, priority: run.priority })
      logger.info(run, 'job-enqueued')
    },
    jobCompleted(run: RunRef & { readonly status: RunStatus; readonly durationMs: number }): void {
      metrics.jobsCompleted.inc({ job_type: run.jobType, status: run.status })
      metrics.jobDuration.observe({ job_type: run.jobType }, run.durationMs / MS_PER_S)
      logger.info(run, 'job-completed')
    },
    /** `errorType` is the stable type of an application failure, never a message. */
    jobFailed(run: RunRef & { readonly errorType: string; readonly error?: unknown }): void {
      metrics.jobsFailed.inc({ job_type: run.jobType, error: run.errorType })
      logger.error(run, 'job-failed')
    },
    /** `retry` is 1 when a step is tried for the second time. */
    jobRetried(run: RunRef & { readonly step: string; readonly retry: number }): void {
      metrics.jobsRetried.inc({ job_type: run.jobType, retry_count: retryLabel(run.retry) })
      logger.warn(run, 'job-retried')
    },
  }
}

function monitoringEvents({ logger, metrics }: Deps) {
  return {
    tickCompleted(tick: TickSummary): void {
      logger.info(tick, 'tick-completed')
    },
    legPollFailed(poll: { readonly legId: string; readonly kind: string }): void {
      const known = POLL_ERRORS.some((kind) => kind === poll.kind)
      metrics.policyMonitoringErrors.inc({ error: known ? poll.kind.toLowerCase() : 'other' })
      logger.warn(poll, 'leg-poll-failed')
    },
    /** The second source gave no answer about a leg; the first one's evidence stands. */
    secondSourceSilent(poll: { readonly legId: string; readonly kind: string }): void {
      metrics.secondSourceSilent.inc()
      logger.warn(poll, 'second-source-silent')
    },
    /** Timetables that changed early enough to change what is insured. */
    legsRetimed(shard: { readonly count: number }): void {
      logger.info(shard, 'legs-retimed')
    },
    /** Looks at the timetable for legs that leave weeks ahead; a leg that vanished is noted, not decided. */
    timetableLooked(run: {
      readonly looked: number
      readonly retimed: number
      readonly vanished: number
      readonly returned: number
      readonly failed: number
    }): void {
      const { looked, retimed, vanished, returned, failed } = run
      metrics.timetableLooks.inc({ outcome: 'retimed' }, retimed)
      metrics.timetableLooks.inc({ outcome: 'vanished' }, vanished)
      metrics.timetableLooks.inc({ outcome: 'returned' }, returned)
      metrics.timetableLooks.inc({ outcome: 'failed' }, failed)
      metrics.timetableLooks.inc({ outcome: 'as_known' }, looked - retimed - vanished - returned)
      if (vanished > 0) logger.warn(run, 'legs-vanished-from-timetable')
      else logger.info(run, 'timetable-looked-at')
    },
    /** A decision that later evidence contradicts: more owed goes to people, less is leakage. */
    decisionCorrected(correction: {
      readonly legId: string
      readonly bps: number
      readonly correctedBps: number
      readonly policies: number
    }): void {
      const direction = correction.correctedBps > correction.bps ? 'higher' : 'lower'
      metrics.corrections.inc({ direction }, correction.policies)
      logger.warn({ ...correction, direction }, 'decision-corrected')
    },
    /** Counts of one page of decisions. */
    policiesDecided(page: {
      readonly paid: number
      readonly notPaid: number
      readonly inReview: number
    }): void {
      metrics.decisions.inc({ outcome: 'PAY' }, page.paid)
      metrics.decisions.inc({ outcome: 'NO_PAY' }, page.notPaid)
      metrics.decisions.inc({ outcome: 'REVIEW' }, page.inReview)
      logger.info(page, 'policies-decided')
    },
    coverageChecked(check: {
      readonly legsInWindow: number
      readonly overdue: number
      readonly incidentsOpened: number
      readonly incidentsClosed: number
      readonly incidentsOpen: number
    }): void {
      metrics.legsInWindow.set(check.legsInWindow)
      metrics.coverageIncidentsOpen.set(check.incidentsOpen)
      metrics.coverageIncidents.inc(check.incidentsOpened)
      if (check.incidentsOpened > 0) logger.error(check, 'coverage-incident-opened')
      else if (check.incidentsClosed > 0) logger.info(check, 'coverage-incident-closed')
      else logger.debug(check, 'coverage-checked')
    },
  }
}

function payoutEvents({ logger, metrics }: Deps) {
  return {
    payoutsCreated(page: { readonly count: number }): void {
      metrics.payoutEvents.inc({ event: 'created' }, page.count)
      logger.info(page, 'payouts-created')
    },
    payoutsApproved(batch: { readonly batchId: string; readonly count: number }): void {
      metrics.payoutEvents.inc({ event: 'approved' }, batch.count)
      logger.info(batch, 'payouts-approved')
    },
    /** The kill switch or a ceiling holds these back. */
    payoutsHeld(batch: { readonly batchId: string; readonly count: number }): void {
      metrics.payoutEvents.inc({ event: 'held' }, batch.count)
      logger.warn(batch, 'payouts-held')
    },
    /** A group of transfers accepted and booked. A line per group, not per payout: a storm has 100,000. */
    payoutsSettled(batch: { readonly batchId: string; readonly count: number }): void {
      metrics.payoutEvents.inc({ event: 'settled' }, batch.count)
      logger.info(batch, 'payouts-settled')
    },
    payoutRejected(payout: { readonly payoutId: string; readonly code?: string }): void {
      metrics.payoutEvents.inc({ event: 'rejected' })
      logger.warn(payout, 'payout-rejected')
    },
    /** Sent, but what became of it is not known: it is looked up before anything is sent again. */
    payoutUnknown(payout: { readonly payoutId: string }): void {
      metrics.payoutEvents.inc({ event: 'unknown' })
      logger.warn(payout, 'payout-unknown')
    },
    payoutReviewOpened(payout: { readonly payoutId: string; readonly reason: string }): void {
      metrics.payoutEvents.inc({ event: 'review' })
      logger.error(payout, 'payout-review-opened')
    },
  }
}

function reviewEvents({ logger, metrics }: Deps) {
  return {
    /** Nobody did anything: handed up because overdue, or a claim given back. */
    reviewMoved(review: {
      readonly caseId: string
      readonly reason: string
      readonly event: 'escalated' | 'released'
    }): void {
      metrics.reviewEvents.inc({ event: review.event })
      if (review.event === 'escalated') logger.error(review, 'review-escalated')
      else logger.warn(review, 'review-released')
    },
    reviewReminded(review: {
      readonly caseId: string
      readonly reason: string
      readonly state: string
    }): void {
      metrics.reviewEvents.inc({ event: 'reminded' })
      logger.warn(review, 'review-waits')
    },
    /** A verification of the whole book; `breaks` has the invariant of each break. */
    bookVerified(found: {
      readonly breaks: readonly string[]
      readonly checked: readonly string[]
      readonly casesOpened: number
      readonly casesClosed: number
    }): void {
      for (const invariant of found.checked) metrics.bookBreaks.set({ invariant }, 0)
      const counts = Map.groupBy(found.breaks, (invariant) => invariant)
      for (const [invariant, { length }] of counts) metrics.bookBreaks.set({ invariant }, length)
      if (found.breaks.length === 0) logger.info(found, 'book-verified')
      else logger.error(found, 'book-breaks')
    },
    reviewsSwept(sweep: {
      readonly closed: number
      readonly started: number
      readonly open: number
      readonly waiting: number
    }): void {
      metrics.reviewEvents.inc({ event: 'closed' }, sweep.closed)
      metrics.reviewRunsWaiting.set(sweep.waiting)
      logger.info(sweep, 'reviews-swept')
    },
  }
}

function notificationEvents({ logger, metrics }: Deps) {
  return {
    /** Messages of one channel with one outcome: counts only, an address is in no log. */
    notificationsHandled(group: {
      readonly batchId: string
      readonly channel: NotificationChannel
      readonly outcome: 'sent' | 'suppressed' | 'failed' | 'retry'
      readonly count: number
    }): void {
      const { channel, outcome } = group
      metrics.notifications.inc({ channel, outcome }, group.count)
      const isFault = outcome === 'failed' || outcome === 'retry'
      logger[isFault ? 'warn' : 'info'](group, 'notifications-handled')
    },
    notificationsRelayed(pass: {
      readonly queued: number
      readonly batchesStarted: number
      readonly delivered: number
      readonly bounced: number
      readonly backlog: number
      readonly oldestQueuedMs: number | null
    }): void {
      metrics.notificationsQueued.set(pass.backlog)
      metrics.notificationQueueAge.set((pass.oldestQueuedMs ?? 0) / MS_PER_S)
      const isQuiet = pass.queued + pass.batchesStarted + pass.delivered + pass.bounced === 0
      logger[isQuiet ? 'debug' : 'info'](pass, 'notifications-relayed')
    },
  }
}

function doorEvents({ logger, metrics }: Deps) {
  return {
    ...secretEvents({ logger, metrics }),
    /** A switch of cover came too late to be carried out. */
    coverSwitchMissed(missed: {
      readonly product: string
      readonly isArmed: boolean
      readonly dueAt: string | null
      readonly ref: string
    }): void {
      logger.error(missed, 'cover-switch-missed')
    },
    providerCalled(call: {
      readonly provider: string
      readonly operation: string
      readonly outcome: ProviderOutcome
      readonly durationMs: number
    }): void {
      const { provider, operation, outcome } = call
      metrics.providerCalls.inc({ provider, operation, outcome })
      metrics.providerDuration.observe({ provider, operation }, call.durationMs / MS_PER_S)
      logger.debug(call, 'provider-called')
    },
    policiesImported(report: {
      readonly rows: number
      readonly inserted: number
      readonly unchanged: number
      readonly rejected: number
    }): void {
      logger.info(report, 'policies-imported')
    },
    /** `route` is the pattern (`/jobs/:id`), never the path asked for. */
    requestAnswered(request: {
      readonly correlationId: string
      readonly method: string
      readonly route: string
      readonly status: number
      readonly durationMs: number
    }): void {
      const { correlationId, ...data } = request
      const { method, route, status } = request
      metrics.httpRequests.observe(
        { method, route, status: String(status) },
        request.durationMs / MS_PER_S,
      )
      logger.child({ correlationId }).debug(data, 'request-answered')
    },
    processStarted(part: { readonly process: string; readonly url?: string }): void {
      logger.info(part, 'process-started')
    },
    processStopped(part: { readonly process: string; readonly reason: string }): void {
      logger.info(part, 'process-stopped')
    },
  }
}

function providerEvents({ logger, metrics }: Deps) {
  return {
    /** A budget of calls came to 80 or 100 per cent for the first time in its day or month. */
    providerBudgetReached(notice: BudgetNotice & { readonly provider: string }): void {
      const { provider, period, percent } = notice
      metrics.providerBudgetMarks.inc({ provider, period, percent: String(percent) })
      if (percent >= 100) logger.error(notice, 'provider-budget-spent')
      else logger.warn(notice, 'provider-budget-reached')
    },
    /** What a key's plan includes was found out. */
    providerPlanFound({
      provider,
      plan,
    }: {
      readonly provider: string
      readonly plan: ProviderPlan
    }): void {
      const { present, past, future } = plan
      const isRefused = PLAN_PRODUCTS.some((product) => plan[product].verdict === 'refused')
      const data = { provider, present, past, future }
      if (isRefused) logger.warn(data, 'provider-plan-refuses')
      else logger.info(data, 'provider-plan-found')
    },
    providerStateChanged(change: ProviderStateChange): void {
      metrics.providerStateChanges.inc({ provider: change.provider, state: change.to })
      if (change.to === 'DOWN') logger.error(change, 'provider-state-changed')
      else if (change.to === 'DEGRADED') logger.warn(change, 'provider-state-changed')
      else logger.info(change, 'provider-state-changed')
    },
  }
}

function analyticsEvents({ logger, metrics }: Deps) {
  return {
    /** Audit events went from the database into a file. */
    auditArchived(archived: { readonly lastPosition: number; readonly events: number }): void {
      logger.info(archived, 'audit-archived')
    },
    /** Rotated log files went. */
    logsPruned(removed: { readonly files: number; readonly bytes: number }): void {
      metrics.logFilesRemoved.inc(removed.files)
      logger.info(removed, 'logs-pruned')
    },
    /** Figures of periods were kept; `corrected` names those that are other than before. */
    periodsMeasured(step: {
      readonly kind: 'hour' | 'day' | 'week' | 'month'
      readonly computed: number
      readonly unchanged: number
      readonly corrected: readonly string[]
      readonly isComplete: boolean
      readonly latest: string
    }): void {
      const { kind, computed, unchanged, corrected } = step
      metrics.periodsMeasured.inc({ kind, outcome: 'new' }, computed)
      metrics.periodsMeasured.inc({ kind, outcome: 'same' }, unchanged)
      metrics.periodsMeasured.inc({ kind, outcome: 'corrected' }, corrected.length)
      logger[corrected.length > 0 ? 'warn' : 'info'](step, 'periods-measured')
    },
  }
}
