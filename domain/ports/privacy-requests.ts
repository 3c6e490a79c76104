/** Requests of persons about their own data: kept with their legal clock, moved only as the law allows. */
import type { ErasureBlock, PrivacyKind, PrivacyState } from '../privacy-request.ts'
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** A request. Times are wall time. */
export type PrivacyRequest = {
  readonly requestId: string
  readonly kind: PrivacyKind
  /** The policies' `payee_ref`: a token, no name. */
  readonly holderRef: string
  readonly state: PrivacyState
  readonly receivedAt: Instant
  readonly dueAt: Instant
  /** Who wrote it down. */
  readonly receivedBy: string
  /** What an erasure waits for; null when for nothing. */
  readonly waitsFor: ErasureBlock | null
  /** Why it was refused. */
  readonly refusal: string | null
  readonly closedAt: Instant | null
  /** What was given: bytes and SHA-256 of the copy. */
  readonly file: { readonly bytes: number; readonly sha256: string } | null
  /** The link that is out, if one is; never the link itself. */
  readonly link: { readonly expiresAt: Instant; readonly triesLeft: number } | null
  /** Whether it is older than the list: only its proof is kept. */
  readonly isArchived: boolean
}

/** A request as it comes in. */
export type NewPrivacyRequest = Pick<
  PrivacyRequest,
  'requestId' | 'kind' | 'holderRef' | 'receivedAt' | 'dueAt'
>

/** Who changes a request, why, and when in business time: for the audit trail. */
export type PrivacyNote = { readonly by: string; readonly reason: string; readonly at: Instant }

/** Which requests; what is left out does not matter. */
export type PrivacyFilter = {
  readonly kind?: PrivacyKind | undefined
  readonly state?: PrivacyState | undefined
  /** Open ones that had to be answered before. */
  readonly dueBefore?: Instant | undefined
}

/** How a request ends. */
export type PrivacyEnd =
  | { readonly state: 'FULFILLED'; readonly file: PrivacyRequest['file'] }
  | { readonly state: 'REFUSED'; readonly refusal: string }

/** Open requests by kind, and those past their time. */
export type PrivacyTotals = readonly {
  readonly kind: PrivacyKind
  readonly open: number
  readonly overdue: number
}[]

/** Stores requests; every change is one transaction with its audit row. */
export interface PrivacyRequestStore {
  /** Keeps it, unless the same person has asked the same and waits: then that one is given. */
  receive(
    request: NewPrivacyRequest,
    note: PrivacyNote,
  ): Promise<{ readonly request: PrivacyRequest; readonly isNew: boolean }>
  find(requestId: string): Promise<PrivacyRequest | null>
  /** The newest first, without archived ones. Throws PageCursorError. */
  list(filter: PrivacyFilter, page: PageRequest): Promise<Page<PrivacyRequest>>
  /** Open ones, the first due first. */
  listOpen(limit: number): Promise<readonly PrivacyRequest[]>
  totals(now: Instant): Promise<PrivacyTotals>
  /** RECEIVED becomes IN_PROGRESS; another state stays. The request as it is then; null: none. */
  begin(requestId: string, note: PrivacyNote): Promise<PrivacyRequest | null>
  /** Notes what an erasure waits for; nothing when it is not open. */
  defer(requestId: string, block: ErasureBlock, note: PrivacyNote): Promise<void>
  /** Ends an open request at `closedAt`. False: it was not open, and nothing changed. */
  close(requestId: string, end: PrivacyEnd, closedAt: Instant, note: PrivacyNote): Promise<boolean>
  /** What keeps the person's data from being erased, and how many there are; null: nothing. */
  blockOf(
    holderRef: string,
  ): Promise<{ readonly block: ErasureBlock; readonly count: number } | null>
  /** Requests of which the person may have copies still. */
  copiesOf(holderRef: string): Promise<readonly string[]>
  /**
   * Erases the person and ends the request, in one transaction, unless a block holds. `blocked`: one
   * does. `closed`: the request was not open.
   */
  erase(
    requestId: string,
    closedAt: Instant,
    note: PrivacyNote,
  ): Promise<'erased' | 'blocked' | 'closed'>
  /** Puts a link out in place of any other. False: there is no copy to fetch. */
  putLink(
    requestId: string,
    link: { readonly sha256: string; readonly expiresAt: Instant; readonly tries: number },
    note: PrivacyNote,
  ): Promise<boolean>
  /** Uses up one try; the request when the link is right and neither spent nor expired. */
  useLink(
    requestId: string,
    sha256: string,
    now: Instant,
    at: Instant,
  ): Promise<PrivacyRequest | null>
}
