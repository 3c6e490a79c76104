/** The audit trail: who changed what, when and why; read, added to, and checked as a hash chain. */
import type { Instant } from '../time.ts'
import type { AuditArchive } from './audit-archive.ts'
import type { Page, PageRequest } from './page.ts'

/** One change to be put on record. */
export type AuditEntry = {
  readonly at: Instant
  /** Who: the name of a token, a person, `user:<login>` on the command line. */
  readonly actor: string
  /** What was done, as `jobs.run`. */
  readonly action: string
  /** To what, as `policy:P-1` or `job:payout:abc`. */
  readonly subject: string
  /** The reason, and what was before and after, as far as there is one. Plain JSON. */
  readonly details: Readonly<Record<string, unknown>>
  readonly correlationId?: string
}

/** One event of the trail. */
export type AuditEvent = {
  readonly seq: number
  readonly at: Instant
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly details: unknown
  readonly correlationId: string | null
  /** Its place in the chain and its hash; null for an event that was slipped in around it. */
  readonly position: number | null
  readonly hash: string | null
}

/** Which events; what is left out does not matter. Texts are whole ones. */
export type AuditFilter = {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly subject?: string | undefined
  /** At or after. */
  readonly from?: Instant | undefined
  /** Before. */
  readonly until?: Instant | undefined
}

/** Lists and adds events. */
export interface AuditLog {
  /** The newest first. Throws PageCursorError. */
  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>>
  record(entry: AuditEntry): Promise<void>
}

/** Where a chain ended once, kept where the database's owner cannot change it. */
export type AuditAnchor = { readonly position: number; readonly hash: string }

/** What a check of the chain found. */
export type AuditChainReport = {
  readonly events: number
  /** Where the chain ends; position 0 when there is no event. */
  readonly head: AuditAnchor
  /** The first event that is not as it was written; null when all are. */
  readonly firstBreak: { readonly seq: number | null; readonly detail: string } | null
  /** Files that hold the chain's beginning, the oldest first. */
  readonly archives: readonly AuditArchive[]
}

/** Checks the chain. */
export interface AuditChain {
  /**
   * Reads it page by page in one snapshot, from the end of the archives whose events have gone; also that it
   * still leads through the anchors that lie in the database.
   */
  verify(anchors?: readonly AuditAnchor[]): Promise<AuditChainReport>
  /** Where the chain ends now. */
  head(): Promise<AuditAnchor>
}
