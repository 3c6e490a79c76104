/** What a budget of calls allows, and the marks at which its use is told. Pure. */
import type { CallPurpose } from './ports/call-allowance.ts'

/** Per cent of a budget at which its use is told; the last one is the budget itself. */
export const BUDGET_MARKS = [80, 100] as const

const PERCENT = 100

/**
 * The units that calls of a purpose may bring a period to: the budget, and for decisions its reserve on
 * top, rounded down. Null without a budget.
 */
export function unitsAllowed(
  purpose: CallPurpose,
  budget: number | null,
  reservePercent: number,
): number | null {
  if (budget === null) return null
  return purpose === 'ROUTINE' ? budget : budget + Math.floor((budget * reservePercent) / PERCENT)
}

/** The units at which a mark of a budget is reached, rounded up. */
export function unitsAtMark(budget: number, percent: number): number {
  return Math.ceil((budget * percent) / PERCENT)
}
