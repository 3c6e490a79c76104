/**
 * All that a job pack may use of the product, imported as `groundstop/pack`. Part of the workflow bundle
 * too: nothing here does I/O. What it exports is kept for packs; docs/job-packs.md tells about it.
 */
import type { Clock } from '../domain/ports/clock.ts'

export { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/time.ts'
export type { Clock } from '../domain/ports/clock.ts'
export type { Instant } from '../domain/time.ts'
export { defineJob } from './define-job.ts'

/** Writes lines into the process's log, and into the run's: data first, then a constant event. */
export type PackLog = {
  info(data: Readonly<Record<string, unknown>>, event: string): void
  warn(data: Readonly<Record<string, unknown>>, event: string): void
  error(data: Readonly<Record<string, unknown>>, event: string): void
}

/** Says that the activity lives until disposed of. */
export type PackHeartbeats = Disposable & {
  /** Aborted when the run is cancelled, the activity timed out or the worker stops. */
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total: number) => void
}

/** What the factory of a pack's activities is given. No database: a pack reads and changes by the API. */
export type PackServices<Settings = Readonly<Record<string, unknown>>> = {
  /** Business time, virtual where the product's is. */
  readonly clock: Clock
  readonly log: PackLog
  /** For the activity that is running; longer than 10 s it needs them. Use with `using`. */
  readonly startHeartbeats: (total?: number) => PackHeartbeats
  /** What the pack's schema `settings` made of the variables `PACK_<NAME>_*`; `{}` without a schema. */
  readonly settings: Settings
}
