/** The step of a policy expiration, as Temporal calls it. Thin: the work is in operations. */
import {
  expirePolicies as expireDuePolicies,
  type ExpiredPolicies,
  type ExpirePoliciesDeps,
  type ExpirySweep,
} from '../operations/expire-policies.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Pages of one step: some seconds of work, so that a lost worker costs little. */
const PAGES_PER_STEP = 20

/** What the step works over. */
export type PolicyExpirationDeps = ExpirePoliciesDeps & {
  readonly events: Pick<Events, 'policiesDecided' | 'payoutsCreated'>
}

/** Where the sweep stands and what this step did. */
export type ExpiryStep = ExpiredPolicies

/** The activities of `policy-expiration`. May be repeated: what expired is passed over. */
export function createPolicyExpirationActivities(deps: PolicyExpirationDeps) {
  return mapFailures({
    /** Goes through the next pages of the sweep. Repeated, it counts only what was left to do. */
    async expirePolicies(sweep: ExpirySweep): Promise<ExpiryStep> {
      using heartbeats = startHeartbeats()
      const step = await expireDuePolicies(deps, sweep, {
        maxPages: PAGES_PER_STEP,
        signal: heartbeats.signal,
        onProgress: (policies) => heartbeats.onProgress(policies, policies),
      })
      const { policiesPaid: paid, policiesNotPaid: notPaid, policiesInReview } = step.decided
      const inReview = policiesInReview + step.inReview
      if (paid + notPaid + inReview > 0) deps.events.policiesDecided({ paid, notPaid, inReview })
      const count = step.decided.payoutsCreated
      if (count > 0) deps.events.payoutsCreated({ count })
      return step
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type PolicyExpirationActivities = ReturnType<typeof createPolicyExpirationActivities>
