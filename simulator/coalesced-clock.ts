/**
 * One clock reading for all requests that wait for one. A stopped clock is asked each time over
 * HTTP; thousands of requests a second share the question without ever getting an answer that was
 * read before they asked.
 */
import type { Clock } from '../domain/ports/clock.ts'
import type { Instant } from '../domain/time.ts'

/** Wraps a clock so that at most one reading is under way and at most one waits behind it. */
export function coalesceReads(clock: Clock): Clock {
  let current: Promise<Instant> | null = null
  let next: Promise<Instant> | null = null

  function read(): Promise<Instant> {
    const reading = clock.now()
    current = reading
    const clear = () => {
      if (current === reading) current = null
    }
    reading.then(clear, clear)
    return reading
  }

  return {
    now() {
      if (next !== null) return next
      if (current === null) return read()
      // A failed reading belongs to those who asked for it, not to those who wait behind it.
      const settled = current.then(
        () => undefined,
        () => undefined,
      )
      next = settled.then(() => {
        next = null
        return read()
      })
      return next
    },
  }
}
