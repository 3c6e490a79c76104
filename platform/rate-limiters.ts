/** Rate limits over the limiters of rate-limiter-flexible: one for each rule, made when first used. */
import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible'

import type { RateLimits, Taken } from '../domain/ports/rate-limits.ts'
import type { LimitRule } from '../domain/rate-limit.ts'
import { SECOND_MS } from '../domain/time.ts'

/** What a limiter is made of. Keys of its store begin with the prefix. */
export type LimiterOptions = {
  readonly keyPrefix: string
  readonly points: number
  readonly duration: number
}

/** Counts of this process alone: for limits that need not be exact over several. */
export function createMemoryLimits(): RateLimits {
  return createRateLimits((options) => new RateLimiterMemory(options))
}

/** Counts in whatever the limiters count in. */
export function createRateLimits(
  make: (options: LimiterOptions) => RateLimiterAbstract,
): RateLimits {
  const limiters = new Map<string, RateLimiterAbstract>()
  const limiterOf = ({ name, points, windowMs }: LimitRule): RateLimiterAbstract => {
    let limiter = limiters.get(name)
    if (limiter === undefined) {
      limiter = make({ keyPrefix: name, points, duration: windowMs / SECOND_MS })
      limiters.set(name, limiter)
    }
    // A setting may have changed; what was counted stays counted.
    limiter.points = points
    return limiter
  }
  return {
    take: (rule, key) => take(limiterOf(rule), key),
    async giveBack(rule, key) {
      await limiterOf(rule).reward(key)
    },
    async lock(rule, key, lockMs) {
      await limiterOf(rule).block(key, lockMs / SECOND_MS)
    },
    async forget(rule, key) {
      await limiterOf(rule).delete(key)
    },
  }
}

async function take(limiter: RateLimiterAbstract, key: string): Promise<Taken> {
  try {
    return taken(await limiter.consume(key), true)
  } catch (error) {
    // Too many are told by a rejection that is no error.
    if (error instanceof RateLimiterRes) return taken(error, false)
    throw error
  }
}

function taken(result: RateLimiterRes, isAllowed: boolean): Taken {
  const { consumedPoints: count, remainingPoints: left, msBeforeNext: resetMs } = result
  return { isAllowed, count, left, resetMs }
}
