/** Figures of ended periods: measured from the book and the platform, kept as rows. */
import type { Figures, SectionName } from '../analytics/sections.ts'
import type { Period, PeriodClock, PeriodKind } from '../analytics/period.ts'
import type { Product } from '../product.ts'
import type { Instant } from '../time.ts'

/** What a version of a product is expected to pay, in basis points of a sum insured. */
export type ExpectedRate = { readonly productVersionId: string; readonly bps: number }

/** Figures with the moment, wall time, up to which what was written is in them. */
export type Measured = { readonly figures: Figures; readonly measuredAt: Instant }

/** What became of a measuring: new, the same as before, or other than before. */
export type SavedPeriod = 'new' | 'same' | 'corrected'

/** What a step of measuring did. */
export type MeasuredPeriods = {
  readonly computed: number
  readonly unchanged: number
  /** Names of periods whose figures are other than before. */
  readonly corrected: readonly string[]
  /** False: more periods are missing than one step measures. */
  readonly isComplete: boolean
  /** The last period that has ended, in the book's time. */
  readonly latest: string
  /** When the next one can be measured that ended just now, wall milliseconds; null when none did. */
  readonly settlesInMs: number | null
}

/** A kept period. */
export type StoredPeriod = Period & {
  readonly clock: PeriodClock
  readonly revision: number
  readonly contentSha256: string
  /** Wall time. */
  readonly measuredAt: Instant
  /** Wall time at which other figures were found; null when they never were. */
  readonly correctedAt: Instant | null
}

/** Which periods to look for. */
export type PeriodSearch = {
  readonly kind: PeriodKind
  readonly clock: PeriodClock
  /** Begins at or after. */
  readonly from: Instant
  /** Ends at or before. */
  readonly until: Instant
  readonly limit: number
}

/** Measures and keeps. All may be repeated. */
export interface AnalyticsStore {
  /** When the first policy was bound, or the first run ended; null when nothing happened yet. */
  firstFactAt(clock: PeriodClock): Promise<Instant | null>
  /** Periods that are not kept, the newest first. */
  listMissing(search: PeriodSearch): Promise<Period[]>
  /** Kept periods of the book about which something was written after they were measured, oldest first. */
  listTouched(search: PeriodSearch): Promise<Period[]>
  /** Versions of products whose expected rate is not known by these ids. */
  listProducts(
    known: readonly string[],
  ): Promise<{ readonly productVersionId: string; readonly rules: Product }[]>
  /** Sections of the book over a period, all of one moment; all that there are when none is named. */
  measureBook(
    period: Period,
    rates: readonly ExpectedRate[],
    sections?: readonly SectionName[],
  ): Promise<Measured>
  /** Sections of the platform: an hour from what it wrote down, longer periods from their hours. */
  measurePlatform(period: Period): Promise<Measured>
  /** Keeps figures under a period. The same figures again change nothing but the time of measuring. */
  save(
    period: Period & { readonly clock: PeriodClock },
    measured: Measured & { readonly contentSha256: string },
  ): Promise<SavedPeriod>
  /** A kept period with its figures; null when there is none. */
  find(
    kind: PeriodKind,
    clock: PeriodClock,
    startsAt: Instant,
  ): Promise<(StoredPeriod & { readonly figures: Figures }) | null>
  /** Kept periods, the newest first. */
  list(filter: {
    readonly kind?: PeriodKind | undefined
    readonly clock?: PeriodClock | undefined
    readonly limit: number
  }): Promise<StoredPeriod[]>
}
