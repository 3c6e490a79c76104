/** The steps of `payment-events`, as Temporal calls them. Thin: what they do is in operations/. */
import type { PaymentEventPlace } from '../domain/ports/payment-events.ts'
import { checkPayments as check, type CheckedPayments } from '../operations/check-payments.ts'
import {
  applyPaymentEvents as apply,
  listMissedEvents as listMissed,
  type AppliedEvents,
  type EventDeps,
  type EventListingDeps,
} from '../operations/payment-events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Look-ups of one step: a minute at a rail that takes 300 ms for each. */
const LOOK_UPS_PER_STEP = 200

/** The activities of `payment-events`. All may be repeated. */
export function createPaymentEventsActivities(deps: EventDeps & EventListingDeps) {
  return mapFailures({
    /** Keeps what nobody told us. Fails with `ProviderUnavailable`, to be tried again. */
    async listMissedEvents(): Promise<{ readonly listed: number; readonly missed: number }> {
      using heartbeats = startHeartbeats()
      const { signal } = heartbeats
      const onProgress = (listed: number): void => heartbeats.onProgress(listed, listed)
      return await listMissed(deps, { signal, onProgress })
    },

    /** Applies the next open events. */
    async applyPaymentEvents(input: {
      readonly after: PaymentEventPlace | null
    }): Promise<AppliedEvents> {
      using heartbeats = startHeartbeats(LOOK_UPS_PER_STEP)
      const page = { after: input.after, limit: LOOK_UPS_PER_STEP }
      const onProgress = (done: number): void => heartbeats.onProgress(done, LOOK_UPS_PER_STEP)
      return await apply(deps, page, { signal: heartbeats.signal, onProgress })
    },

    /** Looks the next payments up that are due. */
    async checkPayments(): Promise<CheckedPayments> {
      using heartbeats = startHeartbeats(LOOK_UPS_PER_STEP)
      const onProgress = (done: number): void => heartbeats.onProgress(done, LOOK_UPS_PER_STEP)
      return await check(
        deps,
        { limit: LOOK_UPS_PER_STEP },
        { signal: heartbeats.signal, onProgress },
      )
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type PaymentEventsActivities = ReturnType<typeof createPaymentEventsActivities>
