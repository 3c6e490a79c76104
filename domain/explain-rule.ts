/** Which rule of a product a decision rests on, by how much it was met or missed, in words. */
import { formatMajorAmount } from './currency.ts'
import type { BasisPoints, Money } from './money.ts'
import type { Product, Tier } from './product.ts'

/** The rule that was met or missed. */
export type AppliedRule = {
  readonly kind: 'DELAY' | 'CANCELLED' | 'NOT_REACHED' | 'PERSON'
  readonly productCode: string
  readonly productVersion: number
  /** The delay from which the rule pays; null where no delay is asked about. */
  readonly thresholdMin: number | null
  readonly isMet: boolean
  /** Minutes above the threshold, or below it when it was missed; null without a threshold. */
  readonly marginMin: number | null
  readonly bps: BasisPoints
  readonly text: string
}

/** What a rule is told from. */
export type RuleInput = {
  readonly product: Product
  readonly sumInsured: Money
  readonly decision: {
    readonly outcome: 'PAY' | 'NO_PAY'
    readonly bps: BasisPoints
    readonly amount: Money
  }
  readonly evaluation: {
    readonly outcome: 'PAY' | 'NO_PAY' | 'REVIEW'
    readonly reasons: readonly string[]
  } | null
  /** Null when the flight did not arrive. */
  readonly delayMin: number | null
}

/** The rule behind a decision. A decision that the rules did not make was a person's. */
export function explainRule(input: RuleInput): AppliedRule {
  const { product, decision, evaluation, delayMin } = input
  const base = {
    productCode: product.code,
    productVersion: product.version,
    bps: decision.bps,
    isMet: decision.outcome === 'PAY',
    thresholdMin: null,
    marginMin: null,
  }
  const isManual = evaluation === null || evaluation.reasons.includes('MANUAL')
  if (isManual || evaluation.outcome !== decision.outcome) {
    const pays = base.isMet ? shareText(input) : 'nothing is paid'
    const text = `A person decided this after looking at the evidence; ${pays}.`
    return { ...base, kind: 'PERSON', text }
  }
  if (evaluation.reasons.includes('TIER_DISPUTED')) {
    const text = `Two sources report different arrivals, and for either of them ${shareText(input)}`
    return { ...base, kind: 'DELAY', text: `${text}. A person looks at the difference.` }
  }
  if (delayMin !== null) return delayRule(input, base, delayMin)
  const isCancelled = evaluation.reasons.includes('CANCELLED')
  const what = isCancelled
    ? 'The flight was cancelled and not flown'
    : 'The flight did not reach its destination before cover ended'
  const pays = base.isMet ? `For that ${shareText(input)}` : 'The product pays nothing for that'
  return { ...base, kind: isCancelled ? 'CANCELLED' : 'NOT_REACHED', text: `${what}. ${pays}.` }
}

function delayRule(
  input: RuleInput,
  base: Omit<AppliedRule, 'kind' | 'text'>,
  delayMin: number,
): AppliedRule {
  const { product } = input
  const reached = product.tiers.find((tier) => delayMin >= tier.minDelayMin)
  const tier = reached ?? lowestPaying(product)
  if (tier === undefined) {
    return { ...base, kind: 'DELAY', text: 'The product pays nothing for delays.' }
  }
  const marginMin = Math.abs(delayMin - tier.minDelayMin)
  const rule = { ...base, kind: 'DELAY', thresholdMin: tier.minDelayMin, marginMin } as const
  if (reached === undefined) {
    return { ...rule, text: `${missedText(product, tier)} ${minutes(marginMin)}.` }
  }
  const spare = marginMin === 0 ? 'exactly' : `with ${minutes(marginMin)} to spare`
  const pays = base.isMet ? shareText(input) : 'the product pays nothing from there on'
  return { ...rule, text: `A delay of ${minutes(tier.minDelayMin)} was reached ${spare}; ${pays}.` }
}

function missedText(product: Product, tier: Tier): string {
  return (
    `Product ${product.code} pays from a delay of ${minutes(tier.minDelayMin)} at the destination, ` +
    `counted in whole minutes; that was missed by`
  )
}

/** The tier that begins to pay. */
function lowestPaying(product: Product): Tier | undefined {
  return product.tiers.findLast((tier) => tier.bps > 0)
}

/** `product FD45 pays 30% of the 250.00 USD insured, 75.00 USD`. */
function shareText({ product, decision, sumInsured }: RuleInput): string {
  const share = `${decision.bps / 100}% of the ${money(sumInsured)} insured`
  return `product ${product.code} pays ${share}, ${money(decision.amount)}`
}

function money({ minor, currency }: Money): string {
  return `${formatMajorAmount(minor, currency)} ${currency}`
}

function minutes(count: number): string {
  return `${count} ${count === 1 ? 'minute' : 'minutes'}`
}
