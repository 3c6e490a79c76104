/**
 * What a person may ask of us about their own data, by when it must be answered, and what keeps data
 * from being erased. Pure: who the person is stays a token.
 */
import { addMs, DAY_MS, HOUR_MS, instantFromMs, SECOND_MS, toMs, type Instant } from './time.ts'

/** What can be asked for: a copy of everything, or that it goes. */
export const PRIVACY_KINDS = ['export', 'erasure'] as const
export type PrivacyKind = (typeof PRIVACY_KINDS)[number]

/** The states of a request; PRIVACY_TRANSITIONS says which follow which. */
export type PrivacyState = 'RECEIVED' | 'IN_PROGRESS' | 'FULFILLED' | 'REFUSED'

/** The only legal moves. What was answered is not opened again: the person asks anew. */
export const PRIVACY_TRANSITIONS: Readonly<Record<PrivacyState, readonly PrivacyState[]>> = {
  RECEIVED: ['IN_PROGRESS', 'REFUSED'],
  IN_PROGRESS: ['FULFILLED', 'REFUSED'],
  FULFILLED: [],
  REFUSED: [],
}

/** What keeps a person's data from being erased, the first that holds: without them nobody is paid. */
export const ERASURE_BLOCKS = ['LIVE_POLICIES', 'OPEN_EXPORT', 'OPEN_PAYOUTS'] as const
export type ErasureBlock = (typeof ERASURE_BLOCKS)[number]

/** Why an erasure is refused when the block still holds at the end of its time; told to the person. */
export const BLOCK_REASONS: Readonly<Record<ErasureBlock, string>> = {
  LIVE_POLICIES: 'cover is still in force or under review: the contract needs the data',
  OPEN_EXPORT: 'a copy that was asked for is not made yet',
  OPEN_PAYOUTS: 'a payout is still under way: the payment needs the data',
}

/** A copy can be fetched this long after it was made; then its files go. */
export const EXPORT_KEPT_MS: number = 7 * DAY_MS

/** Fetches of one link, good or not: a person needs one or two, somebody who guesses millions. */
export const LINK_TRIES = 5

/** Answered requests older than this leave the list for the archive. */
export const PRIVACY_ARCHIVE_AFTER_MS: number = 90 * DAY_MS

/** A request that must be answered within this is told to operators. */
export const DUE_SOON_MS: number = 7 * DAY_MS

/** Letters that arrived longer ago are written down too late to be anybody's present request. */
export const RECEIVED_AT_MOST_AGO_MS: number = 90 * DAY_MS

/** Whether a request is open past its month. */
export function isPastDue(
  { closedAt, dueAt }: { readonly closedAt: Instant | null; readonly dueAt: Instant },
  now: Instant,
): boolean {
  return closedAt === null && dueAt < now
}

/** A block is looked at again after this: policies end within a day of their flight. */
const LOOK_AGAIN_MS = 6 * HOUR_MS

/**
 * When a request must be answered: one calendar month after it arrived (GDPR article 12), at the same
 * time of day, UTC; the month's last day where it has no such day (Regulation 1182/71, article 3).
 */
export function privacyDueAt(receivedAt: Instant): Instant {
  const received = new Date(toMs(receivedAt))
  const [year, month] = [received.getUTCFullYear(), received.getUTCMonth() + 1]
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  const midnight = Date.UTC(year, month, Math.min(received.getUTCDate(), lastDay))
  return instantFromMs(midnight + (toMs(receivedAt) % DAY_MS))
}

/** How long until a block is looked at again: never beyond the moment at which it must be answered. */
export function lookAgainMs(now: Instant, dueAt: Instant): number {
  const untilDueMs = Math.max(SECOND_MS, toMs(dueAt) - toMs(now))
  return Math.min(LOOK_AGAIN_MS, Math.ceil(untilDueMs / SECOND_MS) * SECOND_MS)
}

/** Whether a copy can still be fetched, made at `closedAt`. */
export function exportEndsAt(closedAt: Instant): Instant {
  return addMs(closedAt, EXPORT_KEPT_MS)
}
