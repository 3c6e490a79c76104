/** Whether a job that recurs is late: a fire of its schedule is missing, or its last success is too old. */
import { later, msBetween, type Instant } from './time.ts'

/** What is known of a job's schedule and runs, on wall time. */
export type JobFreshness = {
  readonly job: string
  /** By an operator: nothing is expected of it meanwhile. */
  readonly isPaused: boolean
  /** Since when its schedule is watched. */
  readonly watchedSince: Instant
  /** The newest fire that a pause swallowed. */
  readonly lastPausedAt: Instant | null
  /** When the newest run that succeeded began. */
  readonly lastSuccessAt: Instant | null
  /** Fires later than that success that did not happen and were not made up for. */
  readonly missing: number
}

/** Why a job is late, or that it is not; `unknown` while it is paused. */
export type Lateness =
  | { readonly kind: 'in-time' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'missing'; readonly fires: number }
  | { readonly kind: 'stale'; readonly ageMs: number }

/** Judges at `now`. `freshnessMs`: how old a success may be; null is never too old. */
export function latenessOf(
  job: Omit<JobFreshness, 'job'>,
  { now, freshnessMs }: { readonly now: Instant; readonly freshnessMs: number | null },
): Lateness {
  if (job.isPaused) return { kind: 'unknown' }
  if (job.missing > 0) return { kind: 'missing', fires: job.missing }
  const success = later(job.watchedSince, job.lastSuccessAt ?? job.watchedSince)
  const ageMs = msBetween(later(success, job.lastPausedAt ?? success), now)
  const isStale = freshnessMs !== null && ageMs > freshnessMs
  return isStale ? { kind: 'stale', ageMs } : { kind: 'in-time' }
}
