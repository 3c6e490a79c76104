/** The steps of `audit-log-archive`, as Temporal calls them. Thin: what they do is in operations/. */
import {
  removeArchivedEvents as removeArchived,
  writeAuditArchive as writeArchive,
  type ArchiveAuditLogDeps,
} from '../operations/archive-audit-log.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** An archive, small enough for a history. */
export type WrittenArchive = { readonly lastPosition: number; readonly bytes: number }

/** The activities of `audit-log-archive`. May be repeated: what is done is not done again. */
export function createAuditLogArchiveActivities(
  deps: ArchiveAuditLogDeps & { readonly events: Pick<Events, 'auditArchived'> },
) {
  return mapFailures({
    /** Writes the next file, or takes up what a run before left; null when nothing is due. */
    async writeAuditArchive(): Promise<WrittenArchive | null> {
      using _heartbeats = startHeartbeats()
      const archive = await writeArchive(deps)
      return archive && { lastPosition: archive.lastPosition, bytes: archive.bytes }
    },

    /** Removes the events that a file holds; how many. */
    async removeArchivedEvents(input: { readonly lastPosition: number }): Promise<number> {
      using _heartbeats = startHeartbeats()
      const events = await removeArchived(deps, input)
      deps.events.auditArchived({ ...input, events })
      return events
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type AuditLogArchiveActivities = ReturnType<typeof createAuditLogArchiveActivities>
