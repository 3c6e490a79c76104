/** Taking a turn, as Temporal calls it: on every queue, whatever the job. */
import {
  takeTurn,
  type TakeTurnDeps,
  type TurnAnswer,
  type TurnRequest,
} from '../operations/take-turn.ts'
import { mapFailures } from './errors.ts'

/** The activity of runs that take turns. May be repeated: a turn that is had is had. */
export function createTurnsActivities(deps: TakeTurnDeps) {
  return mapFailures({
    /** Takes the run's turn, or says behind whom it waits. */
    async takeTurn(request: TurnRequest): Promise<TurnAnswer> {
      return takeTurn(deps, request)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type TurnsActivities = ReturnType<typeof createTurnsActivities>
