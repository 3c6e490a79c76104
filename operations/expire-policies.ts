/**
 * Ends policies whose cover has ended: settled no-pays expire, evidence that is decidable is decided,
 * what nobody can settle goes to people; what is over for long is closed. Never a denial by the clock alone.
 */
import { addTotals, CLOSE_AFTER_MS, type CurrencyTotal } from '../domain/expiry.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { ExpiryPlace, ExpiryStore } from '../domain/ports/expiry-store.ts'
import { addMs, HOUR_MS, toMs, type Instant } from '../domain/time.ts'
import { decideLegs, type DecidedLegs, type DecideLegsDeps } from './decide-legs.ts'

/** What expiry works over. */
export type ExpirePoliciesDeps = DecideLegsDeps & {
  readonly expiryStore: ExpiryStore
  readonly clock: Clock
}

/** Where to go on; both null for a new sweep. */
export type ExpirySweep = {
  readonly after: ExpiryPlace | null
  /** The earliest end of cover that the sweep left open so far. */
  readonly oldestOpen: Instant | null
}

/** Progress and cancellation. */
export type ExpirePoliciesOptions = {
  /** Pages of this call at most. */
  readonly maxPages: number
  /** Checked between pages; what was expired stays expired. */
  readonly signal?: AbortSignal
  /** Policies looked at so far. */
  readonly onProgress?: (done: number) => void
}

/** What came of some pages. */
export type ExpiredPolicies = ExpirySweep & {
  /** The business clock when the first page was read. */
  readonly now: Instant
  readonly expired: number
  readonly released: readonly CurrencyTotal[]
  readonly inReview: number
  readonly held: number
  readonly waiting: number
  readonly decided: DecidedLegs
  /** Paid and expired ones that came to their end; absent before the sweep is complete. */
  readonly closed?: number
  /** False when more pages are left; `after` says where. */
  readonly isComplete: boolean
}

/** Policies per statement: about 50 ms of locks, and one heartbeat. */
const POLICIES_PER_PAGE = 500

/** The cursor stays this far behind, so that a policy being bound with cover long over is not missed. */
const CURSOR_MARGIN_MS = HOUR_MS

const NOTHING_DECIDED: DecidedLegs = {
  evaluations: 0,
  policiesPaid: 0,
  policiesNotPaid: 0,
  policiesInReview: 0,
  payoutsCreated: 0,
}

/**
 * Goes through at most `maxPages` pages from where the sweep stands. Safe to repeat, to interrupt
 * anywhere and to run at once from many processes; a policy decided here expires in the next sweep.
 */
export async function expirePolicies(
  deps: ExpirePoliciesDeps,
  { after, oldestOpen }: ExpirySweep,
  options: ExpirePoliciesOptions,
): Promise<ExpiredPolicies> {
  let now = await deps.clock.now()
  let done: ExpiredPolicies = { ...NOTHING_DONE, after, oldestOpen, now }
  for (let page = 0; page < options.maxPages && !done.isComplete; page += 1) {
    options.signal?.throwIfAborted()
    now = await deps.clock.now()
    done = await expireOnePage(deps, done, now, options)
  }
  if (done.isComplete) {
    const doneBefore = addMs(now, -CURSOR_MARGIN_MS)
    await deps.expiryStore.writeCursor(earlier(done.oldestOpen, doneBefore))
    done = { ...done, closed: await closeDone(deps, now, options) }
  }
  return done
}

/** Closes what is over; what is left after so many pages is for the next sweep. */
async function closeDone(
  { expiryStore }: Pick<ExpirePoliciesDeps, 'expiryStore'>,
  now: Instant,
  { maxPages, signal }: ExpirePoliciesOptions,
): Promise<number> {
  const coverEndBy = addMs(now, -CLOSE_AFTER_MS)
  let closed = 0
  for (let page = 0; page < maxPages; page += 1) {
    signal?.throwIfAborted()
    const some = await expiryStore.closePolicies({ coverEndBy, limit: POLICIES_PER_PAGE })
    closed += some
    if (some < POLICIES_PER_PAGE) break
  }
  return closed
}

const NOTHING_DONE = {
  expired: 0,
  released: [],
  inReview: 0,
  held: 0,
  waiting: 0,
  decided: NOTHING_DECIDED,
  isComplete: false,
}

async function expireOnePage(
  { expiryStore, ...deps }: ExpirePoliciesDeps,
  done: ExpiredPolicies,
  now: Instant,
  { signal, onProgress }: ExpirePoliciesOptions,
): Promise<ExpiredPolicies> {
  const page = await expiryStore.expirePage({ after: done.after, limit: POLICIES_PER_PAGE, now })
  const decided =
    page.overdueLegIds.length === 0
      ? NOTHING_DECIDED
      : await decideLegs(
          deps,
          { legIds: page.overdueLegIds },
          signal === undefined ? {} : { signal },
        )
  // Of the overdue, those that even now could not be decided go on waiting.
  const { policiesPaid, policiesNotPaid, policiesInReview } = decided
  const undecided = page.overdue - policiesPaid - policiesNotPaid - policiesInReview
  const next: ExpiredPolicies = {
    now: done.now,
    after: page.next,
    oldestOpen:
      page.oldestOpen === null ? done.oldestOpen : earlier(done.oldestOpen, page.oldestOpen),
    expired: done.expired + page.expired,
    released: addTotals(done.released, page.released),
    inReview: done.inReview + page.inReview,
    held: done.held + page.held,
    // A leg decided as a whole may take policies of a later page along.
    waiting: done.waiting + page.waiting + Math.max(0, undecided),
    decided: addDecided(done.decided, decided),
    isComplete: page.next === null,
  }
  onProgress?.(next.expired + next.inReview + next.held + next.waiting)
  return next
}

function addDecided(some: DecidedLegs, more: DecidedLegs): DecidedLegs {
  return {
    evaluations: some.evaluations + more.evaluations,
    policiesPaid: some.policiesPaid + more.policiesPaid,
    policiesNotPaid: some.policiesNotPaid + more.policiesNotPaid,
    policiesInReview: some.policiesInReview + more.policiesInReview,
    payoutsCreated: some.payoutsCreated + more.payoutsCreated,
  }
}

function earlier(one: Instant | null, other: Instant): Instant {
  return one !== null && toMs(one) < toMs(other) ? one : other
}
