/** The product's steps of places, with the looks of those who wait as often as a test wants. */
import type { Client } from '@temporalio/client'

import { createJobPlaceActivities, type JobPlaceActivities } from '../../activities/job-places.ts'
import type { Database } from '../../db/client.ts'
import { createJobPlaces } from '../../db/stores/job-place-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { createPlacedRuns } from '../../platform/temporal/placed-runs.ts'

/** Over a database and the runs of a namespace. Timers of the server are no finer than a second. */
export function placeActivities(
  db: Database,
  client: Client,
  lookEveryMs = 1_000,
): JobPlaceActivities {
  return createJobPlaceActivities({
    jobPlaces: createJobPlaces(db),
    placedRuns: createPlacedRuns(client),
    settingStore: createSettingStore(db),
    lookEveryMs,
  })
}
