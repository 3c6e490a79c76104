/** The HTTP app, built from what it needs: routes, who may call, limits, errors. Opens nothing. */
import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'

import { DEFAULT_TENANT } from '../domain/role.ts'
import type { Events } from '../platform/events.ts'
import type { Logger } from '../platform/logger.ts'
import {
  createDoorkeeper,
  createRecheck,
  requireCaller,
  requireLoopbackName,
  type DoorDeps,
} from './auth.ts'
import { callerOf } from './caller.ts'
import { limitCalls, type LimitDeps } from './limits.ts'
import { ProblemError, problemErrors } from './problem.ts'
import { requestContext } from './request-context.ts'
import { requestTracing } from './request-tracing.ts'
import { addAirportRoutes, type AirportsDeps } from './rest/airports.ts'
import { addApiKeyRoutes, type ApiKeysDeps } from './rest/api-keys.ts'
import { addAppealRoutes, type AppealsDeps } from './rest/appeals.ts'
import { addAuditRoute, type AuditDeps } from './rest/audit.ts'
import { addBookReadRoutes, type BookReadsDeps } from './rest/book-reads.ts'
import { addClockRoutes, type ClockDeps } from './rest/clock.ts'
import { addDeadLetterRoutes, type DeadLettersDeps } from './rest/dead-letters.ts'
import { addCodecOrigins, addCodecRoutes, type CodecDeps } from './rest/codec.ts'
import { addCoverRoutes, type CoverDeps } from './rest/cover.ts'
import { addContactRoutes, type ContactsDeps } from './rest/contacts.ts'
import { addHealthRoutes, type HealthDeps } from './rest/health.ts'
import { addJobControlRoutes, type JobControlDeps } from './rest/job-control.ts'
import { addJobLimitsRoute, type JobLimitsDeps } from './rest/job-limits.ts'
import { addJobRescheduleRoute, type RescheduleDeps } from './rest/job-reschedule.ts'
import { addJobLogRoutes, type JobLogsDeps } from './rest/job-logs.ts'
import { addJobRoutes, type JobsDeps } from './rest/jobs.ts'
import { addOpenApiRoutes } from './rest/openapi.ts'
import { addPayoutActionRoutes, type PayoutActionDeps } from './rest/payout-actions.ts'
import { addNotificationRoutes, type NotificationsDeps } from './rest/notifications.ts'
import { addPayoutControlRoutes, type PayoutControlDeps } from './rest/payout-controls.ts'
import {
  addPolicyCancellationRoute,
  type PolicyCancellationDeps,
} from './rest/policy-cancellation.ts'
import { addPolicyRoutes, type PoliciesDeps } from './rest/policies.ts'
import {
  addPrivacyDownloadRoute,
  addPrivacyRoutes,
  type PrivacyDeps,
} from './rest/privacy-requests.ts'
import { addProviderRoutes, type ProvidersDeps } from './rest/providers.ts'
import { addQuoteRoutes, type QuotesDeps } from './rest/quotes.ts'
import { addReportRoutes, type ReportsDeps } from './rest/reports.ts'
import { addReviewRoutes, type ReviewsDeps } from './rest/reviews.ts'
import { addSettingRoutes, type SettingsDeps } from './rest/settings.ts'
import { addPasswordForm } from './rest/password-form.ts'
import { addSignInRoutes, type SignInRoutesDeps } from './rest/sign-in.ts'
import { addStripeWebhookRoute, type StripeWebhookDeps } from './rest/stripe-webhooks.ts'
import { addSchedulePreviewRoute } from './rest/schedule-preview.ts'
import { addUserRoutes, type UsersDeps } from './rest/users.ts'
import { routesOf } from './routes.ts'
import { addScheduleRoutes, type SchedulesDeps } from './rest/schedules.ts'
import { addTaskRoutes, type TasksDeps } from './rest/tasks.ts'
import {
  addSchedulerStatusRoute,
  readStatus,
  type SchedulerStatusDeps,
} from './rest/scheduler-status.ts'
import type { LiveDeps } from './trpc/live.ts'
import { mountProcedures } from './trpc/mount.ts'

/** What the app is built from: the needs of its routes, and who may call. */
export type AppDeps = HealthDeps &
  AuditDeps &
  ClockDeps &
  SchedulerStatusDeps &
  JobsDeps &
  JobLimitsDeps &
  RescheduleDeps &
  JobLogsDeps &
  SchedulesDeps &
  DeadLettersDeps &
  JobControlDeps &
  TasksDeps &
  SettingsDeps &
  CoverDeps &
  CodecDeps &
  PoliciesDeps &
  QuotesDeps &
  PolicyCancellationDeps &
  AppealsDeps &
  PayoutControlDeps &
  PayoutActionDeps &
  ProvidersDeps &
  AirportsDeps &
  ReviewsDeps &
  StripeWebhookDeps &
  NotificationsDeps &
  ContactsDeps &
  PrivacyDeps &
  ReportsDeps &
  SignInRoutesDeps &
  UsersDeps &
  ApiKeysDeps &
  DoorDeps &
  LimitDeps &
  BookReadsDeps &
  Omit<LiveDeps, 'recheck' | 'readStatus'> & {
    readonly logger: Logger
    readonly events: Events
    /** Proxies whose word on the client's address is taken. */
    readonly trustedProxies: readonly string[]
    /** What callers of a tenant are served from. */
    readonly doorsOf: (tenant: string) => AppDeps
  }

/** Helmet's policy without other hosts; the API itself speaks HTTP, behind whatever speaks TLS. */
const PAGE_POLICY = {
  styleSrc: ["'self'", "'unsafe-inline'"],
  fontSrc: ["'self'", 'data:'],
  upgradeInsecureRequests: null,
}

function emptyApp({ trustedProxies }: AppDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.set('trust proxy', trustedProxies)
  return app
}

/** The app with all routes. */
export function createApp(deps: AppDeps): Express {
  const app = emptyApp(deps)
  app.use(requestContext(deps))
  app.use(requestTracing())
  app.use(helmet({ contentSecurityPolicy: { directives: PAGE_POLICY } }))
  addHealthRoutes(app, deps)
  if (deps.isLoopback) app.use(requireLoopbackName())
  addOpenApiRoutes(app)
  // The simulators ask for the time before anybody gave them a token.
  if (deps.isLoopback) addClockRoutes(app, deps)
  addStripeWebhookRoute(app, deps)
  addPrivacyDownloadRoute(app, deps)
  addSignInRoutes(app, deps)
  addPasswordForm(app)
  addCodecOrigins(app, deps)
  const askWho = createDoorkeeper(deps)
  const procedures = mountProcedures(app, {
    ...deps,
    askWho,
    recheck: createRecheck(deps),
    readStatus: () => readStatus(deps),
  })
  app.use(requireCaller(askWho))
  app.use(limitCalls(deps))
  app.use(serveTenants(deps))
  addCallerRoutes(app, deps)
  procedures.serve(routesOf(app))
  endWithProblems(app)
  return app
}

/** Callers of a tenant have routes of their own: the same ones, over what is theirs. */
function serveTenants({ doorsOf }: AppDeps): RequestHandler {
  const apps = new WeakMap<AppDeps, Express>()
  return (request, response, next) => {
    const { tenant } = callerOf(response)
    if (tenant === DEFAULT_TENANT) return next()
    const doors = doorsOf(tenant)
    const app = apps.get(doors) ?? tenantApp(doors)
    apps.set(doors, app)
    app(request, response, next)
  }
}

function tenantApp(doors: AppDeps): Express {
  const app = emptyApp(doors)
  addCallerRoutes(app, doors)
  endWithProblems(app)
  return app
}

/** Routes of who was let in. */
function addCallerRoutes(app: Express, deps: AppDeps): void {
  if (!deps.isLoopback) addClockRoutes(app, deps)
  addSchedulerStatusRoute(app, deps)
  addJobRoutes(app, deps)
  addJobLimitsRoute(app, deps)
  addJobRescheduleRoute(app, deps)
  addJobLogRoutes(app, deps)
  addSchedulePreviewRoute(app)
  addScheduleRoutes(app, deps)
  addDeadLetterRoutes(app, deps)
  addJobControlRoutes(app, deps)
  addTaskRoutes(app, deps)
  addSettingRoutes(app, deps)
  addCoverRoutes(app, deps)
  addCodecRoutes(app, deps)
  addPolicyRoutes(app, deps)
  addQuoteRoutes(app, deps)
  addPolicyCancellationRoute(app, deps)
  addAppealRoutes(app, deps)
  addPayoutControlRoutes(app, deps)
  addPayoutActionRoutes(app, deps)
  addProviderRoutes(app, deps)
  addAirportRoutes(app, deps)
  addBookReadRoutes(app, deps)
  addReportRoutes(app, deps)
  addReviewRoutes(app, deps)
  addNotificationRoutes(app, deps)
  addContactRoutes(app, deps)
  addPrivacyRoutes(app, deps)
  addAuditRoute(app, deps)
  addUserRoutes(app, deps)
  addApiKeyRoutes(app, deps)
}

function endWithProblems(app: Express): void {
  app.use((request) => {
    throw new ProblemError(404, 'not-found', `nothing is served at ${request.path}`)
  })
  app.use(problemErrors())
}
