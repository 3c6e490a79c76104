/** Dead letters: opened and closed by the projection, read and acted upon by people. */
import type { LetterState } from '../dead-letter.ts'
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** Money of payouts that are neither paid nor cancelled. */
export type MoneyAtRisk = { readonly currency: string; readonly amountMinor: string }

/** One letter as lists show it. */
export type DeadLetter = {
  readonly runId: string
  readonly workflowId: string
  readonly job: string
  readonly scheduleId: string | null
  readonly kind: 'failed' | 'timeout' | 'terminated' | 'parked'
  readonly groupId: string
  readonly errorType: string
  readonly errorMessage: string | null
  readonly startedAt: Instant
  readonly diedAt: Instant
  /** Build id of the code that it died under; null where the server does not tell, and while parked. */
  readonly version: string | null
  readonly state: LetterState
  readonly resolvedAt: Instant | null
  readonly resolvedBy: string | null
  readonly reason: string | null
  /** The run that was started for this one. */
  readonly redrivenWorkflowId: string | null
  readonly redrivenRunId: string | null
  readonly moneyAtRisk: readonly MoneyAtRisk[]
}

/** Letters whose errors read the same. */
export type ErrorGroup = {
  readonly groupId: string
  readonly job: string
  readonly errorType: string
  /** Without ids and numbers. */
  readonly message: string
  readonly firstSeenAt: Instant
  readonly lastSeenAt: Instant
  /** Letters ever. */
  readonly letters: number
  readonly open: number
  readonly firstVersion: string | null
  readonly lastVersion: string | null
  readonly moneyAtRisk: readonly MoneyAtRisk[]
}

/** Which letters; what is left out does not matter. */
export type LetterFilter = {
  readonly runIds?: readonly string[] | undefined
  readonly state?: LetterState | undefined
  readonly job?: string | undefined
  readonly errorType?: string | undefined
  readonly groupId?: string | undefined
  /** Build id of the code. */
  readonly version?: string | undefined
  /** Died, or was found parked, at or after. */
  readonly failedAfter?: Instant | undefined
  /** Before. */
  readonly failedBefore?: Instant | undefined
}

/** What a run has already done that stays done. */
export type RunEffect = {
  /** `payout PAID`. */
  readonly what: string
  readonly count: number
  readonly currency: string | null
  readonly amountMinor: string | null
}

/** Who acts, why, and when on the business clock. */
export type LetterNote = { readonly by: string; readonly reason: string; readonly at: Instant }

/** What a pass changed. */
export type SweptLetters = {
  readonly opened: number
  readonly covered: number
  readonly recovered: number
  readonly archived: number
}

/** The store. */
export interface DeadLetterStore {
  /**
   * Opens letters of parked runs, closes those that are covered or went on, archives the oldest beyond
   * the limit. `covering`: jobs whose next success makes up for a failure. Letters of ended runs are
   * opened where their ends are saved.
   */
  sweep(covering: readonly string[]): Promise<SweptLetters>
  /** The newest first. Throws PageCursorError. */
  list(filter: LetterFilter, page: PageRequest): Promise<Page<DeadLetter>>
  /** Groups with open letters first, the newest of them first. */
  groups(limit: number): Promise<ErrorGroup[]>
  /** Open letters by job; jobs without any are left out. */
  countOpen(): Promise<Readonly<Record<string, number>>>
  find(runId: string): Promise<DeadLetter | null>
  effects(letter: Pick<DeadLetter, 'job' | 'workflowId'>): Promise<RunEffect[]>
  /** Begins a redrive; null when the letter is not one to be redriven. May be repeated. */
  claim(runId: string, note: LetterNote): Promise<DeadLetter | null>
  /** Gives a claimed letter back: nothing was started. */
  release(runId: string): Promise<void>
  /** Ends a redrive, with its audit row. */
  redriven(
    runId: string,
    started: {
      readonly workflowId: string
      readonly runId: string
      readonly input: 'same' | 'edited'
    },
    note: LetterNote,
  ): Promise<void>
  /** Closes a letter for good, with its audit row. False when it was not open. */
  discard(runId: string, note: LetterNote): Promise<boolean>
}
