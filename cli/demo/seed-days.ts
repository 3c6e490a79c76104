/** Which days of a seeded year how many legs leave on. Computes alone. */
import { DAY_MS, HOUR_MS, toMs } from '../../domain/time.ts'
import type { SeedPlan } from './seed-plan.ts'

/** Legs that leave on one UTC day. */
export type SeedDay = {
  /** The day's first moment. */
  readonly dayMs: number
  readonly legs: number
  /** Number of its first leg in the year, from 0. */
  readonly firstLeg: number
  /** They have not left when the seed ends. */
  readonly isComing: boolean
}

/** Of a leg that left the last step is made so long after its day began; later ones have not all been. */
export const LAST_STEP_AFTER_MS: number = 4 * DAY_MS

/** What comes leaves late enough that nobody had to ask about it yet. */
const FIRST_COMING_AFTER_MS = 3 * DAY_MS
const COMING_DAYS = 25

/** The days on which legs leave, in their order. */
export function seedDays(plan: SeedPlan): SeedDay[] {
  const { from, until, now, counts } = plan
  const lastMs = dayAt(toMs(until) - LAST_STEP_AFTER_MS - HOUR_MS) - DAY_MS
  const flownDays = Math.floor((lastMs - dayAt(toMs(from))) / DAY_MS)
  const firstMs = dayAt(toMs(from)) + DAY_MS
  const flown = spread({ firstMs, days: flownDays, legs: counts.flownLegs })
  const comingMs = dayAt(toMs(now) + FIRST_COMING_AFTER_MS) + DAY_MS
  const coming = spread({ firstMs: comingMs, days: COMING_DAYS, legs: counts.comingLegs })
  return [
    ...flown.map((day) => ({ ...day, isComing: false })),
    ...coming.map((day) => ({
      ...day,
      firstLeg: day.firstLeg + counts.flownLegs,
      isComing: true,
    })),
  ]
}

function spread(over: { firstMs: number; days: number; legs: number }) {
  const { firstMs, days, legs } = over
  const firstOf = (day: number): number => Math.ceil((day * legs) / days)
  return Array.from({ length: days }, (_, day) => ({
    dayMs: firstMs + day * DAY_MS,
    firstLeg: firstOf(day),
    legs: firstOf(day + 1) - firstOf(day),
  })).filter((day) => day.legs > 0)
}

function dayAt(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS
}
