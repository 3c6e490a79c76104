/** Amounts that may be negative, as text. Pure. */
import { moneyText } from './lines.ts'

/** `-1,250.00 USD`. Exact for every length. */
export function formatBalance(minor: string, currency: string): string {
  if (!minor.startsWith('-')) return moneyText(minor, currency)
  return `-${moneyText(minor.slice(1), currency)}`
}
