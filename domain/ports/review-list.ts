/** Review cases as a work queue. */
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** Which cases; what is left out does not matter. */
export type ReviewFilter = {
  readonly state?: string | undefined
  readonly reason?: string | undefined
  /** `leg`, `policy`, `payout` or another; one that no case has finds none. */
  readonly subjectKind?: string | undefined
  readonly subjectId?: string | undefined
}

/** One case of the queue. */
export type ListedReview = {
  readonly caseId: string
  readonly state: string
  readonly reason: string
  readonly subject: {
    readonly kind: string
    readonly id: string
    /** The leg's key, or the number of the policy or of the payout's policy; null for other kinds. */
    readonly name: string | null
  }
  readonly details: unknown
  readonly openedAt: Instant
  readonly resolvedAt: Instant | null
}

/** Lists review cases. */
export interface ReviewList {
  /** What waits for people first, the oldest first; then what is resolved. Throws PageCursorError. */
  list(filter: ReviewFilter, page: PageRequest): Promise<Page<ListedReview>>
}
