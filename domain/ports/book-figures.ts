/** What is at risk and what was lost, by groups of the book. */

/** What exposure is grouped by; `day` is the departure's date on the wall of the origin. */
export const EXPOSURE_GROUPS = ['day', 'origin', 'destination', 'carrier', 'product'] as const

/** What the loss ratio is grouped by; `month` is the departure's. */
export const LOSS_GROUPS = ['product', 'carrier', 'month'] as const

export type ExposureGroup = (typeof EXPOSURE_GROUPS)[number]
export type LossGroup = (typeof LOSS_GROUPS)[number]

/** Undecided policies of a group in one currency; amounts are decimal text of minor units. */
export type Exposure = {
  readonly group: string
  readonly currency: string
  readonly policies: number
  readonly legs: number
  readonly sumInsuredMinor: string
}

/** Decided policies of a group in one currency; amounts are decimal text of minor units. */
export type LossRatio = {
  readonly group: string
  readonly currency: string
  readonly policies: number
  readonly sumInsuredMinor: string
  readonly paidMinor: string
  /** Decided and owed, not yet paid; payouts that were cancelled are not owed. */
  readonly payableMinor: string
  /** Paid and payable over the sum insured, four decimals. */
  readonly overSumInsured: string
  /** Premiums of the policies that have one. */
  readonly premiumMinor: string | null
  /** Paid and payable of the policies with a premium over those premiums; null without premiums. */
  readonly overPremium: string | null
}

/** Rows at most; the five years of days that a book of daily flights may span fit. */
export const FIGURES_LIMIT = 2_000

/** Adds the book up. Each call reads the whole book: not to be asked several times a second. */
export interface BookFigures {
  /** By group and currency; at most FIGURES_LIMIT rows. */
  exposure(by: ExposureGroup): Promise<Exposure[]>
  /** By group and currency; at most FIGURES_LIMIT rows. */
  lossRatio(by: LossGroup): Promise<LossRatio[]>
}
