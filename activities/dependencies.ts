/** The look at the jobs that a run comes after, as Temporal calls it: on every queue, whatever the job. */
import type { DependencyRuns } from '../domain/ports/dependency-runs.ts'
import {
  judgeDependencies,
  type DependencyVerdict,
  type DependentRun,
} from '../operations/judge-dependencies.ts'
import { mapFailures } from './errors.ts'

/** The activity of runs that come after others. May be repeated: it only reads. */
export function createDependenciesActivities(deps: { readonly dependencyRuns: DependencyRuns }) {
  return mapFailures({
    /** Whether the others have succeeded for this nominal time. */
    async checkDependencies(run: DependentRun): Promise<DependencyVerdict> {
      return judgeDependencies(deps, run)
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type DependenciesActivities = ReturnType<typeof createDependenciesActivities>
