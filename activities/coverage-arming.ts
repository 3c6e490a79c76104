/** The steps of `coverage-arming`, as Temporal calls them. Thin: what they do is in operations/. */
import {
  switchCover as carryOut,
  type CoverRequest,
  type SwitchCoverDeps,
  type SwitchedCover,
} from '../operations/switch-cover.ts'
import { mapFailures } from './errors.ts'

/** The activities of `coverage-arming`. May be repeated. */
export function createCoverageArmingActivities(deps: SwitchCoverDeps) {
  return mapFailures({
    /** Moves the switch, once per `ref`. */
    async switchCover(input: CoverRequest): Promise<SwitchedCover> {
      return carryOut(deps, input)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type CoverageArmingActivities = ReturnType<typeof createCoverageArmingActivities>
