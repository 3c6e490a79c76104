/** The part of the audit trail that lies in files: written, checked, and only then taken out of the database. */
import type { Instant } from '../time.ts'
import type { AuditAnchor } from './audit-log.ts'

/** Events that follow each other in the chain, as the lines of a file. */
export type AuditPage = {
  /** What the first line is bound to. */
  readonly prevHash: string
  readonly firstPosition: number
  readonly lastPosition: number
  /** Of the last line. */
  readonly hash: string
  /** The text that each event's hash is of, in the order of the chain. */
  readonly lines: readonly string[]
}

/** A file and what it holds; its manifest, and its record in the database. */
export type AuditArchive = Omit<AuditPage, 'lines'> & {
  readonly file: string
  readonly bytes: number
  /** Of the file, in hexadecimal. */
  readonly sha256: string
}

/** Archives as the database knows them. */
export interface AuditArchiveStore {
  /** The oldest archive whose events are still in the database; null when none is. */
  findPending(): Promise<AuditArchive | null>
  /** The archive that ends at a position; null when there is none. */
  find(lastPosition: number): Promise<AuditArchive | null>
  /** The oldest events up to the first that is not before `before`; null when there is none. */
  readAged(before: Instant, atMost: number): Promise<AuditPage | null>
  /** Puts an archive on record. Refused when it does not follow the one before it. */
  record(archive: AuditArchive): Promise<void>
  /** Removes an archive's events; how many, 0 when they have gone before. */
  remove(archive: AuditArchive): Promise<number>
}

/** The files of a folder. */
export interface AuditArchiveFiles {
  /** Writes a file and its manifest, on the disk when it returns. May be repeated. */
  write(page: AuditPage): Promise<AuditArchive>
  /**
   * Reads a file back: what is wrong with it, null when it holds all lines, bound to each other, and leads
   * through the anchors that lie in it.
   */
  findFault(archive: AuditArchive, anchors?: readonly AuditAnchor[]): Promise<string | null>
}

/** Heads of the chain, noted in a file outside the database. */
export interface AuditAnchors {
  /** Adds a head, on the disk when it returns; nothing when it is the last one noted. */
  note(head: AuditAnchor, at: Instant): Promise<void>
  /** All of them, the oldest first. Throws AuditAnchorError for a line that is none. */
  read(): Promise<readonly AuditAnchor[]>
}

/** An archive is not what it should be: nothing was removed. Never retried. */
export class AuditArchiveError extends Error {
  override readonly name = 'AuditArchiveError'
}

/** A file of noted heads cannot be read. */
export class AuditAnchorError extends Error {
  override readonly name = 'AuditAnchorError'
}
