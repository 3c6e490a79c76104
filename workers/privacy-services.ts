/** Builds what the jobs about persons' data work with: requests, copies as files, their runs. */
import { createPrivacyExportCleanupActivities } from '../activities/privacy-export-cleanup.ts'
import { createPrivacyRequestCleanupActivities } from '../activities/privacy-request-cleanup.ts'
import { createPrivacyRequestActivities } from '../activities/privacy-request.ts'
import { createAgedFiles } from '../adapters/files/aged-files.ts'
import { createPrivacyExports } from '../adapters/files/privacy-exports.ts'
import type { Database } from '../db/client.ts'
import { createAgedPrivacyRequests } from '../db/stores/aged-privacy-requests.ts'
import { createOperatorNoticeStore } from '../db/stores/operator-notice-store.ts'
import { createPersonDataSource } from '../db/stores/person-data.ts'
import { createPersonSeals } from '../db/stores/person-seals.ts'
import { createPrivacyRequestStore } from '../db/stores/privacy-request-store.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { KeyRingSource } from '../domain/ports/key-rings.ts'
import type { PrivacyRuns } from '../domain/ports/privacy-runs.ts'
import { instantFromMs } from '../domain/time.ts'
import type { ActivityFamily } from './queues.ts'

/** The activities of the three jobs. */
export function createPrivacyActivities(deps: {
  readonly db: Database
  readonly clock: Clock
  readonly privacyExportsDir: string
  readonly privacyRuns: PrivacyRuns
  /** Closes persons' keys; null: none is configured. */
  readonly ring: KeyRingSource | null
}): Readonly<
  Record<'privacy-request' | 'privacy-export-cleanup' | 'privacy-request-cleanup', ActivityFamily>
> {
  const { db, clock, privacyExportsDir, privacyRuns, ring } = deps
  const wallNow = () => instantFromMs(Date.now())
  const privacyRequests = createPrivacyRequestStore(db)
  const settingStore = createSettingStore(db)
  return {
    'privacy-request': createPrivacyRequestActivities({
      privacyRequests,
      personData: createPersonDataSource(db, ring),
      personSeals: createPersonSeals(db, ring),
      privacyExports: createPrivacyExports(privacyExportsDir),
      clock,
      wallNow,
    }),
    'privacy-export-cleanup': createPrivacyExportCleanupActivities({
      aged: createAgedFiles({ folders: [privacyExportsDir] }),
      settingStore,
      operatorNoticeStore: createOperatorNoticeStore(db),
      privacyRequests,
      privacyRuns,
      wallNow,
    }),
    'privacy-request-cleanup': createPrivacyRequestCleanupActivities({
      aged: createAgedPrivacyRequests(db),
      settingStore,
      wallNow,
    }),
  }
}
