/**
 * How long what is kept: the classes of things that age, their defaults and their least. What decides
 * money is in no class: evaluations, ledger, audit and the observations they rest on stay.
 */
import { addMs, DAY_MS, type Instant } from './time.ts'

/** What a cleanup may be narrowed to, in the order in which it goes. */
export const CLEANUP_PARTS = ['messages', 'files', 'logs', 'expired'] as const
export type CleanupPart = (typeof CLEANUP_PARTS)[number]

/** A class of things that age together. */
export type RetentionRule = {
  readonly part: CleanupPart
  /** Kept so long unless the setting `retention.days` says otherwise. Days. */
  readonly days: number
  /** Never kept shorter, whatever a setting or an input asks for. Days. */
  readonly leastDays: number
  /** The clock of its ages: what happened in the book, or when the platform wrote it. */
  readonly clock: 'business' | 'wall'
}

/** Every class, in the order in which a cleanup goes: notices after the messages that told them. */
export const RETENTION = {
  // A denial that was told is part of the claim's file, which is kept as long as its evidence: 7 years.
  'holder-messages': { part: 'messages', days: 2_557, leastDays: 365, clock: 'wall' },
  'operator-messages': { part: 'messages', days: 90, leastDays: 7, clock: 'wall' },
  'operator-notices': { part: 'messages', days: 90, leastDays: 7, clock: 'wall' },
  files: { part: 'files', days: 30, leastDays: 1, clock: 'wall' },
  logs: { part: 'logs', days: 30, leastDays: 1, clock: 'wall' },
  // Some 12,000 lines a day of a quiet book: what is asked of a run is asked within days.
  'run-logs': { part: 'logs', days: 14, leastDays: 1, clock: 'wall' },
  // A client may repeat a request for days after an outage of its own.
  'idempotent-requests': { part: 'expired', days: 30, leastDays: 2, clock: 'wall' },
  quotes: { part: 'expired', days: 90, leastDays: 7, clock: 'business' },
  // A run compares what it listed within its own two hours.
  'listed-transfers': { part: 'expired', days: 7, leastDays: 2, clock: 'wall' },
  // Payouts that wait try their rail every 5 minutes: one not tried for days holds nobody.
  'rail-holds': { part: 'expired', days: 7, leastDays: 1, clock: 'business' },
  // The rail lists its events again for 8 days; a year covers a chargeback and its appeal.
  'rail-events': { part: 'expired', days: 400, leastDays: 30, clock: 'business' },
  // Until then one that failed or was missed can be given a new time.
  'ended-tasks': { part: 'expired', days: 90, leastDays: 7, clock: 'wall' },
  // Corrections are looked for within two days; an airline's late amendment takes weeks.
  observations: { part: 'expired', days: 90, leastDays: 30, clock: 'business' },
} as const satisfies Readonly<Record<string, RetentionRule>>

export type RetentionClass = keyof typeof RETENTION

/** All classes, in the order in which a cleanup goes. */
export const RETENTION_CLASSES = Object.keys(RETENTION) as RetentionClass[] // its own keys

/** Rows or files of one batch unless the setting `cleanup.batchSize` says otherwise; 100 to 10,000. */
export const DEFAULT_BATCH_SIZE = 1_000
/** Smaller batches only cost round trips. */
export const LEAST_BATCH_SIZE = 100
/** Larger ones would hold locks for long. */
export const GREATEST_BATCH_SIZE = 10_000

/** A batch whose locks are held for longer is followed by a smaller one: far below the second that others may wait. */
const LONG_BATCH_MS = 200
/** A batch that takes less may be followed by a larger one. */
const SHORT_BATCH_MS = 50

/** Everything is older than the product by then; more is a mistake of unit. */
export const GREATEST_DAYS = 36_500

/** A class with the moment before which its things have had their time. */
export type RetentionCut = { readonly class: RetentionClass; readonly before: Instant }

/** What a cleanup goes through, of what was asked for. */
export function planCuts(
  asked: {
    readonly what?: readonly CleanupPart[] | undefined
    readonly olderThanDays?: number | undefined
  },
  settings: unknown,
  now: Readonly<Record<RetentionRule['clock'], Instant>>,
): RetentionCut[] {
  return RETENTION_CLASSES.filter((name) => asked.what?.includes(RETENTION[name].part) ?? true).map(
    (name) => {
      const days = keptDays(name, settings, asked.olderThanDays)
      return { class: name, before: addMs(now[RETENTION[name].clock], -days * DAY_MS) }
    },
  )
}

/** How many days a class is kept: as asked, else as set, else its default; never below its least. */
export function keptDays(
  name: RetentionClass,
  settings: unknown,
  olderThanDays: number | undefined,
): number {
  const { days, leastDays } = RETENTION[name]
  return Math.max(leastDays, olderThanDays ?? setDays(name, settings) ?? days)
}

/** The number of a stored setting `{class: days}`; what cannot be read is as if it were not set. */
function setDays(name: RetentionClass, settings: unknown): number | undefined {
  if (typeof settings !== 'object' || settings === null) return undefined
  const value: unknown = Object.entries(settings).find(([key]) => key === name)?.[1]
  const isDays = typeof value === 'number' && Number.isInteger(value) && value >= 1
  return isDays && value <= GREATEST_DAYS ? value : undefined
}

/** The batch size of a stored setting, within its range. */
export function batchSizeOf(setting: unknown): number {
  if (typeof setting !== 'number' || !Number.isInteger(setting)) return DEFAULT_BATCH_SIZE
  return Math.min(GREATEST_BATCH_SIZE, Math.max(LEAST_BATCH_SIZE, setting))
}

/** How many the next batch takes, of at most `greatest`, when one of `size` took so long. */
export function nextBatchSize(size: number, tookMs: number, greatest: number): number {
  const least = Math.min(LEAST_BATCH_SIZE, greatest)
  if (tookMs > LONG_BATCH_MS) return Math.max(least, Math.floor(size / 2))
  return tookMs < SHORT_BATCH_MS ? Math.min(greatest, size * 2) : size
}
