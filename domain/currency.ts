/** Amounts as people write them, `250.00`, to and from minor units; the decimals are the currency's. */
import { currency, minorUnits } from './money.ts'
import type { Currency, MinorUnits } from './money.ts'

/** Decimals of the currencies that do not have two (ISO 4217, table A.1). */
const OTHER_DECIMALS: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
}

const COMMON_DECIMALS = 2

const KNOWN = new Set(Intl.supportedValuesOf('currency'))

/** How many decimals the currency's amounts have: 2 for USD, 0 for JPY, 3 for KWD. */
export function decimalsOf(code: Currency): number {
  return OTHER_DECIMALS[code] ?? COMMON_DECIMALS
}

/** A currency that exists. Throws RangeError on any other code. */
export function knownCurrency(code: string): Currency {
  if (!KNOWN.has(code)) throw new RangeError(`not an ISO 4217 currency code: ${code}`)
  return currency(code)
}

/**
 * Reads an amount in major units, plain digits with at most the currency's decimals: `250`, `250.5`
 * and `250.50` are 25,050 cents at most. Throws RangeError on signs, exponents, separators of
 * thousands, more decimals than the currency has, and amounts beyond 2^53 - 1 minor units.
 */
export function parseMajorAmount(text: string, code: Currency): MinorUnits {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text)
  if (match?.[1] === undefined) throw new RangeError(`not a plain decimal amount: ${text}`)
  const decimals = decimalsOf(code)
  const fraction = match[2] ?? ''
  if (fraction.length > decimals) {
    throw new RangeError(`${text} has more decimals than ${code} has (${decimals})`)
  }
  const minor = BigInt(match[1] + fraction.padEnd(decimals, '0'))
  if (minor > BigInt(Number.MAX_SAFE_INTEGER))
    throw new RangeError(`${text} is too large an amount`)
  return minorUnits(Number(minor))
}

/** Writes minor units in major units with all of the currency's decimals: 25,000 cents are `250.00`. */
export function formatMajorAmount(minor: MinorUnits, code: Currency): string {
  const decimals = decimalsOf(code)
  const sign = minor < 0 ? '-' : ''
  const digits = Math.abs(minor)
    .toString()
    .padStart(decimals + 1, '0')
  if (decimals === 0) return sign + digits
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}
