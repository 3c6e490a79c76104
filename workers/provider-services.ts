/** What the worker reports of outside services, and the activities of the jobs that look after them. */
import { hostname } from 'node:os'

import { createProviderHealthCheckActivities } from '../activities/provider-health-check.ts'
import type { StripePayments } from '../adapters/payments/stripe.ts'
import type { Config, Secrets } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createAllowanceStore } from '../db/stores/allowance-store.ts'
import { createProviderHealthStore } from '../db/stores/provider-health-store.ts'
import type { PaymentProvider } from '../domain/ports/payment-provider.ts'
import type { Events } from '../platform/events.ts'
import { observePayments } from '../platform/observed-providers.ts'
import { createProviderReports, type ProviderReports } from '../platform/provider-reports.ts'
import type { ActivitiesByJob } from './queues.ts'
import { watchedProviders } from './watched-providers.ts'

/** Reports of this process; dispose of it before the database. */
export function createWorkerReports(db: Database, events: Events): ProviderReports {
  return createProviderReports({
    store: createProviderHealthStore(db),
    events,
    reporter: `worker:${hostname()}:${process.pid}`,
  })
}

/** The rail with its calls counted and its breaker reported. */
export function reportedPayments(rail: StripePayments, reports: ProviderReports): PaymentProvider {
  reports.add({ provider: rail.id, breakerState: rail.breakerState })
  return observePayments(rail, reports)
}

/** The activities of `provider-health-check`. */
export function createProviderActivities(deps: {
  readonly config: Config
  readonly secrets: Secrets
  readonly db: Database
  readonly events: Events
}): Pick<ActivitiesByJob, 'provider-health-check'> {
  const { config, secrets, db, events } = deps
  return {
    'provider-health-check': createProviderHealthCheckActivities({
      providers: watchedProviders(config, secrets),
      healthStore: createProviderHealthStore(db),
      allowanceStore: createAllowanceStore(db),
      events,
    }),
  }
}
