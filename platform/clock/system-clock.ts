/** The wall clock as a Clock: production's time. */
import type { Clock } from '../../domain/ports/clock.ts'
import { instantFromMs } from '../../domain/time.ts'

/** A clock that tells wall time. */
export function createSystemClock(): Clock {
  return { now: async () => instantFromMs(Date.now()) }
}
