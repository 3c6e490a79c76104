/** Moves audit events past their time into files: written, read back, on record, and only then removed. */
import { AUDIT_KEEP_DAYS, AUDIT_KEPT_DAYS } from '../domain/audit-retention.ts'
import {
  AuditArchiveError,
  type AuditArchive,
  type AuditArchiveFiles,
  type AuditArchiveStore,
} from '../domain/ports/audit-archive.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { SettingStore } from '../domain/ports/setting-store.ts'
import { addMs, DAY_MS } from '../domain/time.ts'

/** What archiving works over. */
export type ArchiveAuditLogDeps = {
  readonly auditArchives: AuditArchiveStore
  readonly archiveFiles: AuditArchiveFiles
  readonly settingStore: Pick<SettingStore, 'read'>
  readonly clock: Clock
  /** Default 10,000. */
  readonly eventsPerFile?: number
}

/** Some 5 MB, a few hundred compressed; removed in one transaction of about a second. */
const EVENTS_PER_FILE = 10_000

/**
 * The next archive whose events are to be removed: one that a run before left on record, else a new
 * file of the oldest events past their time. Null when nothing is due.
 */
export async function writeAuditArchive(deps: ArchiveAuditLogDeps): Promise<AuditArchive | null> {
  const { auditArchives, archiveFiles, eventsPerFile = EVENTS_PER_FILE } = deps
  const pending = await auditArchives.findPending()
  if (pending !== null) return pending
  const before = addMs(await deps.clock.now(), -(await keptDays(deps)) * DAY_MS)
  const page = await auditArchives.readAged(before, eventsPerFile)
  if (page === null) return null
  const archive = await archiveFiles.write(page)
  await requireSound(archiveFiles, archive)
  await auditArchives.record(archive)
  return archive
}

/** Reads the file of an archive on record once more and removes its events; how many. May be repeated. */
export async function removeArchivedEvents(
  { auditArchives, archiveFiles }: Pick<ArchiveAuditLogDeps, 'auditArchives' | 'archiveFiles'>,
  { lastPosition }: { readonly lastPosition: number },
): Promise<number> {
  const archive = await auditArchives.find(lastPosition)
  if (archive === null) {
    throw new AuditArchiveError(`no archive on record ends at position ${lastPosition}`)
  }
  await requireSound(archiveFiles, archive)
  return auditArchives.remove(archive)
}

async function requireSound(files: AuditArchiveFiles, archive: AuditArchive): Promise<void> {
  const fault = await files.findFault(archive)
  if (fault === null) return
  throw new AuditArchiveError(`archive ${archive.file} ${fault}: nothing was removed`)
}

async function keptDays({
  settingStore,
}: Pick<ArchiveAuditLogDeps, 'settingStore'>): Promise<number> {
  const { least, greatest, fallback } = AUDIT_KEPT_DAYS
  const value = await settingStore.read(AUDIT_KEEP_DAYS)
  if (typeof value !== 'number' || !Number.isInteger(value)) return fallback
  return Math.min(greatest, Math.max(least, value))
}
