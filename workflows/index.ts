/** Every workflow, one line each; the bundle is built from this file. */
export { cacheRefresh } from './cache-refresh.ts'
export { bookVerification } from './book-verification.ts'
export { flightMonitor } from './flight-monitor.ts'
export { maintenance } from './maintenance.ts'
export { paymentEvents } from './payment-events.ts'
export { outboxAndRunProjection } from './outbox-and-run-projection.ts'
export { notificationRelay } from './notification-relay.ts'
export { notification } from './notification.ts'
export { payout } from './payout.ts'
export { policyExpiration } from './policy-expiration.ts'
export { providerHealthCheck } from './provider-health-check.ts'
export { reconciliation } from './reconciliation.ts'
export { correctionWatch } from './correction-watch.ts'
export { reviewOrchestration } from './review-orchestration.ts'
export { coverageArming } from './coverage-arming.ts'
// A default export answers for every type without one of its own.
// oxlint-disable-next-line import/no-default-export -- the SDK asks for it by that name
export { unknownJob as default } from './unknown-job.ts'
