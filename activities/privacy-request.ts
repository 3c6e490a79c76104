/** The step of `privacy-request`, as Temporal calls it. Thin: what it does is in operations/. */
import {
  fulfilPrivacyRequest,
  type FulfilledRequest,
  type FulfilPrivacyDeps,
} from '../operations/fulfil-privacy-request.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `privacy-request`. May be repeated: what was answered stays answered. */
export function createPrivacyRequestActivities(deps: FulfilPrivacyDeps) {
  return mapFailures({
    /** Answers the request, or says what it waits for. */
    async answerRequest({ requestId }: { readonly requestId: string }): Promise<FulfilledRequest> {
      using _heartbeats = startHeartbeats()
      return await fulfilPrivacyRequest(deps, requestId)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type PrivacyRequestActivities = ReturnType<typeof createPrivacyRequestActivities>
