/** A rate limit on the client's side: at most so many calls a second, with a second's worth at once. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Spaces calls out to a rate per second. */
export interface TokenBucket {
  /** Resolves when a call may be made. Rejects with the signal's AbortError. */
  take(signal?: AbortSignal): Promise<void>
}

/**
 * `ratePerS` calls a second on average, at most a second's worth in a burst. Throws RangeError when
 * the rate is not positive. Strategy: the time at which the bucket is empty again is moved on by one
 * interval per call, so no timer runs while nobody waits.
 */
export function createTokenBucket(
  ratePerS: number,
  monotonicMs: () => number = () => performance.now(),
): TokenBucket {
  if (!(ratePerS > 0)) throw new RangeError(`rate is not above 0 per second: ${ratePerS}`)
  const intervalMs = 1_000 / ratePerS
  const burstMs = Math.max(1, Math.floor(ratePerS)) * intervalMs
  let emptyUntilMs = Number.NEGATIVE_INFINITY

  return {
    async take(signal) {
      signal?.throwIfAborted()
      const nowMs = monotonicMs()
      emptyUntilMs = Math.max(emptyUntilMs, nowMs) + intervalMs
      const waitMs = emptyUntilMs - nowMs - burstMs
      if (waitMs > 0)
        await sleep(Math.ceil(waitMs), undefined, signal === undefined ? {} : { signal })
    },
  }
}
