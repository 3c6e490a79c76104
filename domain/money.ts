/** Money as integer minor units with a currency. No floats, no arithmetic across currencies. */

declare const minorBrand: unique symbol
declare const currencyBrand: unique symbol

/** Integer count of a currency's smallest unit (cents for USD, yen for JPY), within ±(2^53 - 1). */
export type MinorUnits = number & { readonly [minorBrand]: true }

/** ISO 4217 code, three capital letters. */
export type Currency = string & { readonly [currencyBrand]: true }

/** An amount in whole minor units of its currency. */
export type Money = { readonly minor: MinorUnits; readonly currency: Currency }

/** Basis points: 10,000 is the whole. */
export type BasisPoints = number

/** The whole, in basis points. */
export const BPS_WHOLE = 10_000

/** A checked amount of minor units. Throws RangeError when it is not a safe integer. */
export function minorUnits(value: number): MinorUnits {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer amount: ${value}`)
  return value as MinorUnits // checked above
}

/** A checked currency code. Throws RangeError when it is not three capital letters. */
export function currency(code: string): Currency {
  if (!/^[A-Z]{3}$/.test(code)) throw new RangeError(`not an ISO 4217 currency code: ${code}`)
  return code as Currency // checked above
}

/**
 * The share `bps` of an amount, rounded half up to a whole minor unit. Exact for every safe integer.
 * Throws RangeError on a negative amount or a share outside 0..10,000.
 */
export function shareOf(amount: MinorUnits, bps: BasisPoints): MinorUnits {
  if (amount < 0) throw new RangeError(`amount is negative: ${amount}`)
  if (!Number.isInteger(bps) || bps < 0 || bps > BPS_WHOLE) {
    throw new RangeError(`share is not within 0..10000 basis points: ${bps}`)
  }
  const rounded = (BigInt(amount) * BigInt(bps) + 5_000n) / 10_000n
  return minorUnits(Number(rounded))
}
