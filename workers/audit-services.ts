/** Builds what the job works with that moves the audit trail into files. */
import { createAuditLogArchiveActivities } from '../activities/audit-log-archive.ts'
import { createAuditArchiveFiles } from '../adapters/files/audit-archive-files.ts'
import type { Database } from '../db/client.ts'
import { createAuditArchiveStore } from '../db/stores/audit-archive-store.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Events } from '../platform/events.ts'
import type { ActivityFamily } from './queues.ts'

/** The activities of `audit-log-archive`. */
export function auditLogArchiveActivities(deps: {
  readonly db: Database
  readonly clock: Clock
  readonly config: { readonly auditArchiveDir: string }
  readonly events: Pick<Events, 'auditArchived'>
}): ActivityFamily {
  const { db, clock, config, events } = deps
  return createAuditLogArchiveActivities({
    auditArchives: createAuditArchiveStore(db),
    archiveFiles: createAuditArchiveFiles(config.auditArchiveDir),
    settingStore: createSettingStore(db),
    clock,
    events,
  })
}
