/** The steps of the run projection, as Temporal calls them. Thin: the work is in operations. */
import {
  projectRuns as project,
  type ProjectedRuns,
  type ProjectionDeps,
} from '../operations/project-runs.ts'
import { mapFailures } from './errors.ts'

/** The activities of `outbox-and-run-projection`. May be repeated. */
export function createOutboxAndRunProjectionActivities(deps: ProjectionDeps) {
  return mapFailures({
    /** One pass over what moved; a full one also over what is open. */
    async projectRuns(input: { readonly isFull: boolean }): Promise<ProjectedRuns> {
      return project(deps, input)
    },
  })
}

/** Types of the activities, for `proxyLocalActivities`. */
export type OutboxAndRunProjectionActivities = ReturnType<
  typeof createOutboxAndRunProjectionActivities
>
