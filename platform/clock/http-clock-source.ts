/** Reads the shared time from an instance's API: for simulators that run outside of it. */
import type { ClockReading } from '../../domain/ports/clock.ts'
import { parseInstant } from '../../domain/time.ts'
import type { ClockSource } from './virtual-clock.ts'

const TIMEOUT_MS = 2_000

/**
 * A source over `GET <baseUrl>/api/clock`, which answers `{now, speed}`. Its `read` rejects with an
 * Error when the API does not answer so.
 */
export function createHttpClockSource(baseUrl: string): ClockSource {
  const url = new URL('/api/clock', baseUrl)
  return {
    async read() {
      const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      if (!response.ok) throw new Error(`${url.href} answered ${response.status}`)
      return parseReading(await response.json())
    },
  }
}

function parseReading(body: unknown): ClockReading {
  if (typeof body === 'object' && body !== null) {
    const { now, speed } = body as Record<string, unknown> // checked below
    if (typeof now === 'string' && typeof speed === 'number' && speed >= 0) {
      return { now: parseInstant(now), speed }
    }
  }
  throw new Error('the clock answered neither {now, speed} nor an error')
}
