/** Where looks at the timetable are claimed and written, for legs whose polls have not begun. */
import type { Schedule } from '../retime.ts'
import type { TimetableFinding } from '../timetable-watch.ts'
import type { Instant } from '../time.ts'
import type { PolledLeg } from './leg-store.ts'

/** Which legs are due, and who takes them for how long. */
export type TimetableClaim = {
  /** At most 255 characters; the same name gets its own legs again. */
  readonly claimedBy: string
  readonly now: Instant
  /** Legs that leave within this are left to their polls. Milliseconds. */
  readonly pollsBeforeOutMs: number
  readonly limit: number
  /** Wall time after which others may take the legs. Milliseconds. */
  readonly leaseMs: number
}

/** One leg's look, to be written. */
export type TimetableLook = {
  readonly legId: string
  /** As loaded: a leg that was polled since is passed over. */
  readonly pollVersion: number
  readonly lookedAt: Instant
  /** Null when there was no answer. */
  readonly answer: {
    readonly provider: string
    readonly httpStatus: number
    readonly payloadSha256: string
    readonly finding: TimetableFinding
  } | null
  /** A timetable announced in time, the leg's and its policies' from now on, with the poll planned by it. */
  readonly retimed: (Schedule & Pick<PolledLeg, 'nextPollAt' | 'pollPhase' | 'pollReason'>) | null
  readonly nextTimetableAt: Instant | null
}

/** A look that was written. */
export type WrittenLook = {
  readonly legId: string
  /** What the look before it found; null for the first. */
  readonly before: TimetableFinding['kind'] | null
}

/** Looks at the timetable. */
export interface TimetableLooks {
  /** Claims legs with undecided policies that are due for a look, the longest due first. */
  claim(request: TimetableClaim): Promise<string[]>
  /**
   * Writes looks in one transaction: what was found (once a change, counted otherwise), the next look,
   * claim released; policies of a retimed leg are endorsed. Repeating changes nothing that holders see.
   * At most MAX_LEG_PAGE.
   */
  save(looks: readonly TimetableLook[]): Promise<WrittenLook[]>
  /** Gives legs back that were not written. */
  release(claimedBy: string): Promise<void>
}
