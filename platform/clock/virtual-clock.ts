/**
 * The Clock that every process of one instance agrees on: it follows a shared reading (the clock's
 * row, or another process' API) and extrapolates in between. Without a reading it tells wall time.
 */
import type { Clock, ClockReading } from '../../domain/ports/clock.ts'
import type { Instant } from '../../domain/time.ts'
import { addMs, instantFromMs, later, msBetween } from '../../domain/time.ts'

/** Where the shared time is read. */
export interface ClockSource {
  /** Null: there is no virtual time, wall time holds. */
  read(): Promise<ClockReading | null>
}

// A change by hand (`groundstop clock set`) is seen by every process within this time.
const MAX_AGE_MS = 200
// A source that fails for a moment does not stop a running clock; for longer it does.
const MAX_BLIND_MS = 10_000
// What a reading may lag behind by the time that it took; a larger step back was made by hand.
const MAX_LAG_MS = 1_000

type Sample = { readonly reading: ClockReading | null; readonly atMs: number }

/**
 * A clock over a source. A running clock is extrapolated from a reading at most 200 ms old; a
 * stopped one is asked each time, as it is moved by hand. Rejects with the source's error when that
 * lasts longer than 10 s.
 */
export function createVirtualClock(
  source: ClockSource,
  options: { readonly monotonicMs: () => number } = { monotonicMs: () => performance.now() },
): Clock {
  const { monotonicMs } = options
  let sample: Sample | null = null
  let pending: Promise<Sample> | null = null
  let last: Instant | null = null

  const readOnce = async (): Promise<Sample> => {
    pending ??= source
      .read()
      .then((reading) => ({ reading, atMs: monotonicMs() }))
      .finally(() => {
        pending = null
      })
    return pending
  }

  const current = async (): Promise<Sample> => {
    const age = sample === null ? Number.POSITIVE_INFINITY : monotonicMs() - sample.atMs
    const isMoving = sample?.reading === null || (sample?.reading.speed ?? 0) > 0
    if (sample !== null && isMoving && age <= MAX_AGE_MS) return sample
    try {
      sample = await readOnce()
    } catch (error) {
      if (sample === null || !isMoving || age > MAX_BLIND_MS) throw error
    }
    return sample
  }

  return {
    async now() {
      const { reading, atMs } = await current()
      if (reading === null) return instantFromMs(Date.now())
      const elapsedMs = reading.speed === 0 ? 0 : (monotonicMs() - atMs) * reading.speed
      const instant = addMs(reading.now, Math.trunc(elapsedMs))
      const lag = last === null ? 0 : msBetween(instant, last)
      // Never back by a reading's lag within one process; back when moved by hand.
      last = last !== null && lag <= MAX_LAG_MS * reading.speed ? later(instant, last) : instant
      return last
    },
  }
}
