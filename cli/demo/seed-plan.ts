/**
 * How much a seeded year holds, and when: everything follows from scale, seed and the two clocks.
 * Computes; reads and writes nothing.
 */
import { addMs, DAY_MS, instantFromMs, msBetween, toMs, type Instant } from '../../domain/time.ts'

/** What is asked for. */
export type SeedRequest = {
  /** Multiplies every number; 1 is 10,000 policies on 400 legs. */
  readonly scale: number
  /** The same seed draws the same year. */
  readonly seed: number
  /** A calendar year; null: the 365 days up to the business clock. */
  readonly year: number | null
}

/** Counts of what platform and people leave behind, at a scale. */
export type SeedCounts = Readonly<Record<keyof typeof AT_SCALE_1, number>>

/** A year to be seeded. */
export type SeedPlan = SeedRequest & {
  /** Of the book: the year's first moment and the one that it is seeded up to. */
  readonly from: Instant
  readonly until: Instant
  /** The business clock: what is still to come leaves after it. */
  readonly now: Instant
  /** Wall time that stands for `until`: what is kept by the wall's age is dated back from it. */
  readonly wallUntil: Instant
  readonly counts: SeedCounts
}

/** Smaller than a hundredth there would be kinds without a row. */
export const LEAST_SCALE = 0.01
/** A hundred million rows; more is a mistake of unit. */
export const GREATEST_SCALE = 1_000

/** A day's flight has a full cabin's insured; more legs rather than fuller ones make a larger book. */
export const POLICIES_PER_LEG = 25

/** Fewer have not every age: cleanups need some to remove and some to keep. */
const FEWEST_ROWS = 20

const AT_SCALE_1 = {
  /** Legs that flew within the year. */
  flownLegs: 380,
  /** Legs that leave in the weeks after it. */
  comingLegs: 20,
  holders: 4_000,
  users: 200,
  sessions: 2_000,
  mailCodes: 500,
  apiKeys: 100,
  proofs: 20_000,
  requests: 5_000,
  quotes: 5_000,
  listedTransfers: 1_000,
  railHolds: 20,
  railEvents: 3_000,
  tasks: 500,
  notices: 300,
  operatorMessages: 1_000,
  oldMessages: 300,
  runs: 10_000,
  runLines: 20_000,
  auditEvents: 5_000,
  privacyRequests: 100,
  providerMinutes: 2_000,
  providerProcesses: 100,
  logFiles: 20,
} as const

/** The plan. `businessNow` is the business clock, `wallNow` the wall's. Throws RangeError out of range. */
export function planSeed(request: SeedRequest, businessNow: Instant, wallNow: Instant): SeedPlan {
  const { scale, year } = request
  if (!(scale >= LEAST_SCALE && scale <= GREATEST_SCALE)) {
    throw new RangeError(`a scale is from ${LEAST_SCALE} to ${GREATEST_SCALE}: ${scale}`)
  }
  const until = year === null ? businessNow : endOf(year)
  if (until > businessNow) {
    throw new RangeError(`the year ${year} is not over: the business clock shows ${businessNow}`)
  }
  return {
    ...request,
    from: year === null ? addMs(until, -365 * DAY_MS) : instantFromMs(Date.UTC(year, 0, 1)),
    until,
    now: businessNow,
    wallUntil: addMs(wallNow, -msBetween(until, businessNow)),
    counts: countsAt(scale),
  }
}

/** The first moment after a calendar year. */
export function endOf(year: number): Instant {
  return instantFromMs(Date.UTC(year + 1, 0, 1))
}

/** The wall's moment that stands for one of the book. */
export function wallAt(plan: Pick<SeedPlan, 'until' | 'wallUntil'>, at: Instant): Instant {
  return instantFromMs(toMs(plan.wallUntil) - msBetween(at, plan.until))
}

function countsAt(scale: number): SeedCounts {
  const entries = Object.entries(AT_SCALE_1).map(([name, count]) => [
    name,
    Math.max(name.endsWith('Legs') ? 1 : FEWEST_ROWS, Math.round(count * scale)),
  ])
  return Object.fromEntries(entries) as SeedCounts // the same names
}
