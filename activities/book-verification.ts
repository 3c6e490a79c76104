/** The steps of a verification, as Temporal calls them. Thin: the work is in operations. */
import type { AuditAnchors } from '../domain/ports/audit-archive.ts'
import type { AuditChain } from '../domain/ports/audit-log.ts'
import type { BookBreakCases } from '../domain/ports/book-break-cases.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { BookBreak, LedgerStore } from '../domain/ports/ledger-store.ts'
import type { ReplaySource } from '../domain/ports/replay-source.ts'
import { replayEvaluations as replay, type Replayed } from '../operations/replay-evaluations.ts'
import { tellBookBreaks as tell, type ToldBreaks } from '../operations/tell-book-breaks.ts'
import { BREAKS_LISTED, verifyBooks } from '../operations/verify-books.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** What the steps work over. */
export type BookVerificationDeps = {
  readonly ledgerStore: LedgerStore
  readonly replaySource: ReplaySource
  readonly bookBreakCases: BookBreakCases
  readonly auditChain: Pick<AuditChain, 'head'>
  readonly auditAnchors: Pick<AuditAnchors, 'note'>
  readonly clock: Clock
  readonly events: Pick<Events, 'bookVerified'>
}

/** What the checks found, small enough for a history. */
export type CheckedBook = {
  readonly breaks: readonly BookBreak[]
  /** Invariants of which all breaks are listed. */
  readonly checked: readonly string[]
}

/** The invariants that the checks of the database are about. */
const CHECKED = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'LEDGER', 'AUDIT']

/** Pages of 200 legs that one step replays: some seconds, so that a lost worker costs little. */
const PAGES_PER_STEP = 10

/** The activities of `book-verification`. All may be repeated. */
export function createBookVerificationActivities(deps: BookVerificationDeps) {
  return mapFailures({
    /** Checks everything that the database can check by itself. */
    async checkBook(): Promise<CheckedBook> {
      using _heartbeats = startHeartbeats()
      const { breaks } = await verifyBooks(deps)
      const counts = Map.groupBy(breaks, ({ invariant }) => invariant)
      // A check that was cut off says nothing about what it did not list.
      const checked = CHECKED.filter((name) => (counts.get(name)?.length ?? 0) < BREAKS_LISTED)
      return { breaks, checked }
    },

    /** Replays the next pages of legs. */
    async replayEvaluations(input: { readonly after: string | null }): Promise<Replayed> {
      using heartbeats = startHeartbeats()
      return await replay(deps, input, {
        maxPages: PAGES_PER_STEP,
        signal: heartbeats.signal,
        onProgress: (legs) => heartbeats.onProgress(legs, legs),
      })
    },

    /** Opens and closes cases, sets the metrics, and notes the head of an audit trail that is whole. */
    async tellBreaks(found: CheckedBook): Promise<ToldBreaks> {
      const told = await tell(deps, found)
      deps.events.bookVerified({
        breaks: found.breaks.map(({ invariant }) => invariant),
        checked: found.checked,
        ...told,
      })
      if (!found.breaks.some(({ invariant }) => invariant === 'AUDIT')) {
        await deps.auditAnchors.note(await deps.auditChain.head(), await deps.clock.now())
      }
      return told
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type BookVerificationActivities = ReturnType<typeof createBookVerificationActivities>
