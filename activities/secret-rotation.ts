/** The steps of a rotation of keys, as Temporal calls them. Thin: what they do is in operations/. */
import {
  planRotation as planRings,
  resealPayloads as resealAll,
  rotateOne,
  type RotationPlan,
  type RingStep,
  type RotateDeps,
  type RotationRequest,
} from '../operations/rotate-secrets.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** The activities of `secret-rotation`. May be repeated: a step that was taken changes nothing again. */
export function createSecretRotationActivities(deps: RotateDeps) {
  return mapFailures({
    /** The next steps of every ring. */
    async planRotation(request: RotationRequest): Promise<RotationPlan> {
      using _heartbeats = startHeartbeats()
      return await planRings(deps, request)
    },
    /** Takes one step. False when it was taken before. */
    takeRotationStep: (step: RingStep): Promise<boolean> => rotateOne(deps, step),
    /** Closes the payloads of schedules anew with the active key. Returns how many. */
    async resealPayloads(): Promise<number> {
      using _heartbeats = startHeartbeats()
      return await resealAll(deps)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type SecretRotationActivities = ReturnType<typeof createSecretRotationActivities>
