/** The steps by which runs of jobs with limits take and give back their places, as Temporal calls them. */
import { Context } from '@temporalio/activity'

import type { PlaceRequest } from '../domain/ports/job-places.ts'
import { SECOND_MS } from '../domain/time.ts'
import {
  askForPlace,
  releasePlace,
  type JobPlaceDeps,
  type PlaceAnswer,
} from '../operations/job-places.ts'
import { mapFailures } from './errors.ts'

/** The steps of places, on every queue that has jobs with limits. Both may be repeated. */
export function createJobPlaceActivities(deps: JobPlaceDeps) {
  return mapFailures({
    /** Asks, and waits out what is left of the last second: timers of the server are no finer. */
    async askForPlace(request: PlaceRequest): Promise<PlaceAnswer> {
      const answer = await askForPlace(deps, request)
      if (!answer.isGranted || answer.startInMs >= SECOND_MS) return answer
      if (answer.startInMs > 0) await Context.current().sleep(answer.startInMs)
      return { isGranted: true, startInMs: 0 }
    },
    /** Gives back what the run has or waits for. */
    async releasePlace(request: PlaceRequest): Promise<void> {
      await releasePlace(deps, request)
    },
  })
}

/** Types of the steps, for `proxyLocalActivities`. */
export type JobPlaceActivities = ReturnType<typeof createJobPlaceActivities>
