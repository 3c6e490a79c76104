/** Reads a product from JSON: checks every field, so that no rule is half understood. */
import { BPS_WHOLE } from './money.ts'
import {
  DEFAULT_SETTLE,
  TWO_SOURCE_DEFAULTS,
  type Product,
  type SettleRule,
  type Tier,
} from './product.ts'
import { DEFAULT_UNDERWRITING, type Underwriting } from './underwriting.ts'

/** The JSON is not a product; the message names the field. */
export class ProductError extends Error {
  override readonly name = 'ProductError'
}

const TIERS_LIMIT = 20
/** Delays beyond a day go to people, so a later tier could never be met. */
const GREATEST_TIER_MIN = 24 * 60
const GREATEST_SECONDS = 7 * 24 * 3_600
/** The evidence of a decision may be gone after a year. A denial without an appeal is not sold: at least one. */
const GREATEST_REOPEN_DAYS = 365
/** No timetable reaches further ahead. */
const GREATEST_LEAD_S = 400 * 24 * 3_600

type Json = Readonly<Record<string, unknown>>

/**
 * A product from parsed JSON of the same shape as `Product`. `version` is 1 and `settle` (or a field of
 * it) the default when left out, as is each field of `underwriting`; tiers may come in any order. Throws
 * ProductError naming the field.
 */
export function parseProduct(json: unknown): Product {
  const fields = objectOf(json, 'product', [
    'code',
    'version',
    'tiers',
    'cancelBps',
    'notReachedBps',
    'settle',
    'underwriting',
    'earlyTopTier',
    'reopenDays',
  ])
  const code = fields['code']
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_-]{1,31}$/.test(code)) {
    throw new ProductError('code: 2 to 32 capitals, digits, - or _, a capital first')
  }
  return {
    code,
    version: integerOf(fields, 'version', 1, Number.MAX_SAFE_INTEGER, 1),
    tiers: tiersOf(fields['tiers']),
    cancelBps: integerOf(fields, 'cancelBps', 0, BPS_WHOLE),
    notReachedBps: integerOf(fields, 'notReachedBps', 0, BPS_WHOLE),
    settle: settleOf(fields['settle'] ?? {}),
    ...(fields['underwriting'] === undefined
      ? {}
      : { underwriting: underwritingOf(fields['underwriting']) }),
    ...(fields['earlyTopTier'] === undefined
      ? {}
      : { earlyTopTier: booleanOf(fields['earlyTopTier'], 'earlyTopTier') }),
    ...(fields['reopenDays'] === undefined
      ? {}
      : { reopenDays: integerOf(fields, 'reopenDays', 1, GREATEST_REOPEN_DAYS) }),
  }
}

function booleanOf(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new ProductError(`${name}: true or false`)
  return value
}

function tiersOf(json: unknown): Tier[] {
  if (!Array.isArray(json) || json.length === 0 || json.length > TIERS_LIMIT) {
    throw new ProductError(`tiers: a list of 1 to ${TIERS_LIMIT}`)
  }
  const tiers = json.map((entry: unknown, i) => {
    const fields = objectOf(entry, `tiers[${i}]`, ['minDelayMin', 'bps'])
    return {
      minDelayMin: integerOf(
        fields,
        'minDelayMin',
        1,
        GREATEST_TIER_MIN,
        undefined,
        `tiers[${i}].`,
      ),
      bps: integerOf(fields, 'bps', 0, BPS_WHOLE, undefined, `tiers[${i}].`),
    }
  })
  const minutes = new Set(tiers.map((tier) => tier.minDelayMin))
  if (minutes.size < tiers.length) throw new ProductError('tiers: two have the same minDelayMin')
  return tiers.toSorted((a, b) => b.minDelayMin - a.minDelayMin)
}

function settleOf(json: unknown): SettleRule {
  const known = Object.keys({ ...DEFAULT_SETTLE, ...TWO_SOURCE_DEFAULTS })
  const fields = objectOf(json, 'settle', known)
  const seconds = (name: keyof typeof DEFAULT_SETTLE) =>
    integerOf(fields, name, 0, GREATEST_SECONDS, DEFAULT_SETTLE[name], 'settle.')
  // What is left out stays out, so that a version stored earlier reads as it was written.
  const optional = (name: keyof typeof TWO_SOURCE_DEFAULTS, greatest: number) =>
    fields[name] === undefined ? {} : { [name]: integerOf(fields, name, 0, greatest, 0, 'settle.') }
  return {
    confirmGapS: seconds('confirmGapS'),
    edgeBandMin: seconds('edgeBandMin'),
    edgeConfirmGapS: seconds('edgeConfirmGapS'),
    cancelPersistS: seconds('cancelPersistS'),
    ...optional('singleSourceWaitS', GREATEST_SECONDS),
    ...optional('outageWaitS', GREATEST_SECONDS),
    ...optional('autoPayLimitMinor', Number.MAX_SAFE_INTEGER),
    ...optional('denialBandMin', GREATEST_TIER_MIN),
  }
}

/** Least and greatest value of each term. */
const TERM_LIMITS: Readonly<Record<keyof Underwriting, readonly [number, number]>> = {
  minLeadS: [0, GREATEST_LEAD_S],
  maxLeadS: [0, GREATEST_LEAD_S],
  minObservations: [1, 1_000_000],
  siMaxMinor: [1, Number.MAX_SAFE_INTEGER],
  clusterLimitMinor: [1, Number.MAX_SAFE_INTEGER],
  cancelUntilBeforeS: [0, GREATEST_LEAD_S],
  quoteTtlS: [1, GREATEST_SECONDS],
  loadingBps: [0, 10 * BPS_WHOLE],
  leastRateBps: [0, BPS_WHOLE],
}

function underwritingOf(json: unknown): Underwriting {
  const fields = objectOf(json, 'underwriting', Object.keys(DEFAULT_UNDERWRITING))
  const term = (name: keyof Underwriting) => {
    const [least, greatest] = TERM_LIMITS[name]
    return integerOf(fields, name, least, greatest, DEFAULT_UNDERWRITING[name], 'underwriting.')
  }
  const terms = {
    minLeadS: term('minLeadS'),
    maxLeadS: term('maxLeadS'),
    minObservations: term('minObservations'),
    siMaxMinor: term('siMaxMinor'),
    clusterLimitMinor: term('clusterLimitMinor'),
    cancelUntilBeforeS: term('cancelUntilBeforeS'),
    quoteTtlS: term('quoteTtlS'),
    loadingBps: term('loadingBps'),
    leastRateBps: term('leastRateBps'),
  }
  if (terms.minLeadS <= terms.maxLeadS) return terms
  throw new ProductError('underwriting.minLeadS: not more than maxLeadS')
}

function objectOf(json: unknown, name: string, known: readonly string[]): Json {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ProductError(`${name}: not an object`)
  }
  const unknown = Object.keys(json).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw new ProductError(`${name}: unknown field "${unknown}" (known: ${known.join(', ')})`)
  }
  return { ...json }
}

function integerOf(
  fields: Json,
  name: string,
  least: number,
  greatest: number,
  whenMissing?: number,
  prefix = '',
): number {
  const value = fields[name] ?? whenMissing
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > greatest) {
    throw new ProductError(`${prefix}${name}: a whole number from ${least} to ${greatest}`)
  }
  return value
}
