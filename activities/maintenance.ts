/** The step of a maintenance run, as Temporal calls it. */
import type { MaintenanceInput, MaintenanceResult } from '../jobs/maintenance.ts'
import { maintainDatabase } from '../operations/maintain-database.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** What the maintenance step works over. */
export type MaintenanceDeps = Parameters<typeof maintainDatabase>[0]

/** The activities of `maintenance`. May be repeated: doing it again is only slower. */
export function createMaintenanceActivities(deps: MaintenanceDeps) {
  return mapFailures({
    /** Runs the task over the tables, one at a time. Fails with `NotFound` on an unknown table. */
    async maintainDatabase({ task, tables }: MaintenanceInput): Promise<MaintenanceResult> {
      using heartbeats = startHeartbeats()
      const { onProgress, signal } = heartbeats
      const input = tables === undefined ? { task } : { task, tables }
      const report = await maintainDatabase(deps, input, { onProgress, signal })
      return { ...report, done: [...report.done], skipped: [...report.skipped] }
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type MaintenanceActivities = ReturnType<typeof createMaintenanceActivities>
