/** What has had its time and may go, of one class: rows or files. */
import type { Instant } from '../time.ts'

/** How many, and how much: bytes of files, or of rows without their indexes, to a few bytes a row. */
export type Amount = { readonly items: number; readonly bytes: number }

/** The aged things of one class. */
export interface AgedThings {
  /** What would go. Changes nothing, locks nothing. */
  count(before: Instant): Promise<Amount>
  /**
   * Removes at most `limit` of them, the oldest first. When `hasMore` is not said, fewer than `limit`
   * are the last ones. May be repeated and run beside itself: what somebody else holds is passed over.
   */
  removeBatch(before: Instant, limit: number): Promise<Amount & { readonly hasMore?: boolean }>
}
