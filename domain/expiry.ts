/** When a policy's cover is over and what is still owed to it before it may expire. */
import { DAY_MS, HOUR_MS } from './time.ts'

/**
 * So long after the end of cover the monitor has the word: its ticks ask and decide anyway. Later the
 * expiry decides what is decidable itself. Milliseconds.
 */
export const DECIDE_AFTER_MS = HOUR_MS

/**
 * So long after the end of cover evidence may stay unconfirmed. `decide` waits 30 hours at most when
 * answers stand still; only a leg that nobody could ask, or whose facts keep changing, comes here.
 * Then people decide. Milliseconds.
 */
export const LAST_WAIT_MS = 7 * DAY_MS

/**
 * So long after the end of cover a paid or expired policy is closed, if nothing about it is open. Corrections
 * come within two days and payments come back within a week; what comes later opens it again. Milliseconds.
 */
export const CLOSE_AFTER_MS = 30 * DAY_MS

/** A sum of money by currency; decimal text, because totals may pass 2^53. */
export type CurrencyTotal = { readonly currency: string; readonly amountMinor: string }

/** Both lists as one, a row per currency, sorted by it. */
export function addTotals(
  some: readonly CurrencyTotal[],
  more: readonly CurrencyTotal[],
): CurrencyTotal[] {
  const sums = new Map<string, bigint>()
  for (const { currency, amountMinor } of [...some, ...more]) {
    sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(amountMinor))
  }
  return [...sums]
    .map(([currency, sum]) => ({ currency, amountMinor: String(sum) }))
    .toSorted((a, b) => (a.currency < b.currency ? -1 : 1))
}
