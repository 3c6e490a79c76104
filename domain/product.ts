/** Products: versioned rules as data. A policy keeps the version it was bound under. */
import type { BasisPoints } from './money.ts'
import type { Underwriting } from './underwriting.ts'

/** What a delay of so many minutes pays. */
export type Tier = { readonly minDelayMin: number; readonly bps: BasisPoints }

/** How certain a fact must be before it decides (domain rule 2.4). */
export type SettleRule = {
  /** The same arrival must be seen twice, this far apart. Seconds. */
  readonly confirmGapS: number
  /** Within this distance of a tier the longer gap holds. Minutes. */
  readonly edgeBandMin: number
  /** The longer gap of the edge band. Seconds. */
  readonly edgeConfirmGapS: number
  /** A cancellation reported by one source must persist to insured arrival plus this. Seconds. */
  readonly cancelPersistS: number
  /** Two sources: after this long without the leg at the second, the first decides alone. Default 1 h. */
  readonly singleSourceWaitS?: number
  /** Two sources: so long a second that does not answer at all is waited for. Default 6 h. */
  readonly outageWaitS?: number
  /** Two sources: what one of them alone may pay; above it people decide. Default 100,000 minor units. */
  readonly autoPayLimitMinor?: number
  /** Two sources: so close below a tier a denial too is asked about. Minutes, default 45. */
  readonly denialBandMin?: number
}

/** One version of a product's rules. */
export type Product = {
  readonly code: string
  readonly version: number
  /** Highest threshold first. A tier is met at its minute, not one before. */
  readonly tiers: readonly Tier[]
  readonly cancelBps: BasisPoints
  readonly notReachedBps: BasisPoints
  readonly settle: SettleRule
  /** The terms on which it is sold; absent: DEFAULT_UNDERWRITING. */
  readonly underwriting?: Underwriting
  /**
   * Pays the top tier once its minutes have passed and two sources have just said that the flight is still
   * to come, instead of when it arrives. Default: no.
   */
  readonly earlyTopTier?: boolean
  /** For so many days after a decision its holder may appeal. Absent: DEFAULT_REOPEN_DAYS. */
  readonly reopenDays?: number
}

/** A policy is closed a month after its cover; an appeal may come as long again after its decision. Days. */
const DEFAULT_REOPEN_DAYS = 60

/** For how many days after a decision a policy of this product may be appealed. */
export function reopenDaysOf({ reopenDays }: Product): number {
  return reopenDays ?? DEFAULT_REOPEN_DAYS
}

/** The settle rule of the reference products. */
export const DEFAULT_SETTLE: SettleRule = {
  confirmGapS: 15 * 60,
  edgeBandMin: 5,
  edgeConfirmGapS: 60 * 60,
  cancelPersistS: 3 * 60 * 60,
}

/** What holds with two sources where a product, perhaps of older date, says nothing. */
export const TWO_SOURCE_DEFAULTS = {
  singleSourceWaitS: 60 * 60,
  outageWaitS: 6 * 60 * 60,
  autoPayLimitMinor: 100_000,
  denialBandMin: 45,
} as const satisfies Partial<SettleRule>

/** The reference products of the first book. */
export const REFERENCE_PRODUCTS: readonly Product[] = [
  {
    code: 'FD45',
    version: 1,
    tiers: [
      { minDelayMin: 180, bps: 10_000 },
      { minDelayMin: 120, bps: 6_000 },
      { minDelayMin: 45, bps: 3_000 },
    ],
    cancelBps: 10_000,
    notReachedBps: 10_000,
    settle: DEFAULT_SETTLE,
  },
  {
    code: 'FD120',
    version: 1,
    tiers: [{ minDelayMin: 120, bps: 10_000 }],
    cancelBps: 10_000,
    notReachedBps: 10_000,
    settle: DEFAULT_SETTLE,
  },
  {
    code: 'FD180',
    version: 1,
    tiers: [{ minDelayMin: 180, bps: 10_000 }],
    cancelBps: 10_000,
    notReachedBps: 10_000,
    settle: DEFAULT_SETTLE,
  },
]
