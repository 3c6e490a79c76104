/** The activities of the jobs that watch legs and decide policies. */
import { createCorrectionWatchActivities } from '../activities/correction-watch.ts'
import { createFlightMonitorActivities } from '../activities/flight-monitor.ts'
import { createPolicyExpirationActivities } from '../activities/policy-expiration.ts'
import type { Database } from '../db/client.ts'
import { createCorrectionStore } from '../db/stores/correction-store.ts'
import { createDecisionStore } from '../db/stores/decision-store.ts'
import { createExpiryStore } from '../db/stores/expiry-store.ts'
import { createLegStore } from '../db/stores/leg-store.ts'
import { createPayoutStore } from '../db/stores/payout-store.ts'
import { createPolicyLegs } from '../db/stores/policy-legs.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Events } from '../platform/events.ts'
import type { FlightServices } from './flight-data.ts'
import type { ActivitiesByJob } from './queues.ts'

/** The activities of `flight-monitor`, `correction-watch` and `policy-expiration`. */
export function createMonitorActivities(deps: {
  readonly db: Database
  readonly clock: Clock
  readonly events: Events
  readonly flights: FlightServices
  readonly startPayout: (batchId: string) => Promise<void>
}): Pick<ActivitiesByJob, 'flight-monitor' | 'correction-watch' | 'policy-expiration'> {
  const { db, clock, events, startPayout } = deps
  const { flightData, secondFlightData } = deps.flights
  const decisionStore = createDecisionStore(db)
  const legStore = createLegStore(db)
  return {
    'flight-monitor': createFlightMonitorActivities({
      clock,
      flightData,
      secondFlightData,
      legStore,
      decisionStore,
      payoutStore: createPayoutStore(db),
      findPolicyLeg: (policyId) => createPolicyLegs(db).legOfPolicy(policyId),
      startPayout,
      events,
    }),
    'correction-watch': createCorrectionWatchActivities({
      clock,
      flightData,
      legStore,
      decisionStore,
      correctionStore: createCorrectionStore(db),
      events,
    }),
    'policy-expiration': createPolicyExpirationActivities({
      clock,
      decisionStore,
      expiryStore: createExpiryStore(db),
      events,
    }),
  }
}
