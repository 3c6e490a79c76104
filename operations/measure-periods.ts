/**
 * Measures ended periods and keeps their figures: those that are missing, newest first, and those about
 * which something was written afterwards. Never the period that still goes on.
 */
import {
  labelOf,
  periodAt,
  periodBefore,
  type Period,
  type PeriodClock,
  type PeriodKind,
} from '../domain/analytics/period.ts'
import type {
  AnalyticsStore,
  ExpectedRate,
  MeasuredPeriods,
  SavedPeriod,
} from '../domain/ports/analytics-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import {
  addMs,
  DAY_MS,
  HOUR_MS,
  later,
  MINUTE_MS,
  msBetween,
  type Instant,
} from '../domain/time.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'

/** What measuring works over. */
export type MeasureDeps = {
  readonly analyticsStore: AnalyticsStore
  /** What each version of a product is expected to pay. */
  readonly expectedRates: () => Promise<readonly ExpectedRate[]>
  /** Of what happens in the book. */
  readonly clock: Clock
  /** Virtual seconds per wall second; 0 while the clock stands. */
  readonly clockSpeed: () => Promise<number>
  /** Of what the platform does. */
  readonly wallClock: Clock
}

/** A statement of the last moment before the end may be on its way still. */
const SETTLING_MS = 5 * MINUTE_MS

/** How far back missing periods are made up for; older ones are measured when asked for by name. */
const REACH_MS: Readonly<Record<PeriodKind, number>> = {
  hour: 31 * DAY_MS,
  day: 400 * DAY_MS,
  week: 800 * DAY_MS,
  month: 1_900 * DAY_MS,
}

/** What processes report of calls is kept for a day: an older hour cannot be measured any more. */
const PLATFORM_REACH_MS = 23 * HOUR_MS

/**
 * Measures at most `limit` periods of a kind, in the book's time and on the wall's. With `period` only
 * that one. Safe to repeat and to break off: each period is kept whole, and the same again is the same.
 */
export async function measurePeriods(
  deps: MeasureDeps,
  request: { readonly kind: PeriodKind; readonly period?: Period; readonly limit: number },
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<MeasuredPeriods> {
  const { kind, period, limit } = request
  const now = await deps.clock.now()
  const plan = await (period === undefined
    ? planMissing(deps, { kind, limit, now })
    : asked(deps, period))
  const outcomes: { readonly label: string; readonly saved: SavedPeriod }[] = []
  for (const one of plan) {
    options.signal?.throwIfAborted()
    const saved = await measureOne(deps, one)
    outcomes.push({ label: labelOf(one), saved })
    options.onProgress?.(outcomes.length)
  }
  const having = (outcome: SavedPeriod) => outcomes.filter(({ saved }) => saved === outcome)
  return {
    computed: having('new').length,
    unchanged: having('same').length,
    corrected: [...new Set(having('corrected').map(({ label }) => label))],
    isComplete: period !== undefined || plan.length < limit,
    latest: labelOf(lastEnded(kind, now)),
    settlesInMs: period === undefined ? settlesInMs(kind, now, await deps.clockSpeed()) : null,
  }
}

/**
 * When what ended just now can be measured, wall milliseconds; null when it can be already: a run that
 * a schedule starts at the end of a period comes a little too early for it.
 */
export function settlesInMs(kind: PeriodKind, now: Instant, speed: number): number | null {
  const { startsAt } = periodAt(kind, now)
  const businessMs = SETTLING_MS - msBetween(startsAt, now)
  return businessMs <= 0 || speed <= 0 ? null : Math.ceil(businessMs / speed)
}

type Planned = Period & { readonly clock: PeriodClock }

/**
 * The book's period, and the platform's where its sources are still there: an hour of it is never
 * measured twice, as what processes reported is gone after a day.
 */
async function asked({ analyticsStore }: MeasureDeps, period: Period): Promise<Planned[]> {
  const first = await analyticsStore.firstFactAt('wall')
  const hasPlatform = period.kind !== 'hour' && first !== null && first <= period.startsAt
  const book = { ...period, clock: 'business' } as const
  return hasPlatform ? [{ ...period, clock: 'wall' }, book] : [book]
}

async function planMissing(
  deps: MeasureDeps,
  { kind, limit, now }: { kind: PeriodKind; limit: number; now: Instant },
): Promise<Planned[]> {
  const { analyticsStore } = deps
  const platform = await planPlatform(deps, kind, limit)
  const first = await analyticsStore.firstFactAt('business')
  if (first === null) return platform.slice(0, limit)
  const until = lastEnded(kind, now).endsAt
  const from = later(periodAt(kind, first).startsAt, addMs(until, -REACH_MS[kind]))
  if (from >= until) return platform.slice(0, limit)
  const search = { kind, clock: 'business', from, until, limit } as const
  const missing = await analyticsStore.listMissing(search)
  const touched = await analyticsStore.listTouched(search)
  const book = [...missing, ...touched].map((one) => ({ ...one, clock: 'business' }) as const)
  return [...platform, ...book].slice(0, limit)
}

/** Hours first: longer periods are their sums. */
async function planPlatform(
  deps: MeasureDeps,
  kind: PeriodKind,
  limit: number,
): Promise<Planned[]> {
  const { analyticsStore, wallClock } = deps
  const wall = await wallClock.now()
  const first = await analyticsStore.firstFactAt('wall')
  if (first === null) return []
  const missing = async (of: PeriodKind, reachMs: number): Promise<Period[]> => {
    const until = lastEnded(of, wall).endsAt
    const from = later(periodAt(of, first).startsAt, addMs(wall, -reachMs))
    if (from >= until) return []
    return analyticsStore.listMissing({ kind: of, clock: 'wall', from, until, limit })
  }
  const hours = await missing('hour', PLATFORM_REACH_MS)
  const longer = kind === 'hour' ? [] : await missing(kind, PLATFORM_REACH_MS + longest(kind))
  return [...hours.toReversed(), ...longer].map((one) => ({ ...one, clock: 'wall' }) as const)
}

/** The one that ended last is always within reach. */
function longest(kind: PeriodKind): number {
  return { hour: 1, day: 1, week: 7, month: 31 }[kind] * 2 * DAY_MS
}

function lastEnded(kind: PeriodKind, now: Instant): Period {
  return periodBefore(periodAt(kind, addMs(now, -SETTLING_MS)))
}

async function measureOne(deps: MeasureDeps, period: Planned): Promise<SavedPeriod> {
  const { analyticsStore } = deps
  const measured =
    period.clock === 'wall'
      ? await analyticsStore.measurePlatform(period)
      : await analyticsStore.measureBook(period, await deps.expectedRates())
  const contentSha256 = sha256(canonicalJson(measured.figures))
  return analyticsStore.save(period, { ...measured, contentSha256 })
}
