/** The order of steps of `audit-log-archive`: a file, then the removal of what it holds, until nothing is due. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { AuditLogArchiveActivities } from '../activities/audit-log-archive.ts'
import type { AuditLogArchiveInput, AuditLogArchiveResult } from '../jobs/audit-log-archive.ts'
import { LONG_STEP } from './shared/steps.ts'

const { writeAuditArchive, removeArchivedEvents } =
  proxyActivities<AuditLogArchiveActivities>(LONG_STEP)

/** A million events in a run; the next one goes on. Keeps the history below 1,500 events. */
const MAX_ARCHIVES = 100

/** Returns what was archived. */
export async function auditLogArchive(
  _input: AuditLogArchiveInput,
): Promise<AuditLogArchiveResult> {
  let done = { archives: 0, events: 0, bytes: 0 }
  while (done.archives < MAX_ARCHIVES) {
    const archive = await writeAuditArchive()
    if (archive === null) return { ...done, isComplete: true }
    const events = await removeArchivedEvents({ lastPosition: archive.lastPosition })
    done = {
      archives: done.archives + 1,
      events: done.events + events,
      bytes: done.bytes + archive.bytes,
    }
    setCurrentDetails(`${done.events} events in ${done.archives} archives`)
  }
  return { ...done, isComplete: false }
}
