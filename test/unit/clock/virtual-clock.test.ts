import { describe, expect, test } from 'vitest'

import type { ClockReading } from '../../../domain/ports/clock.ts'
import type { Instant } from '../../../domain/time.ts'
import { parseInstant } from '../../../domain/time.ts'
import { createVirtualClock } from '../../../platform/clock/virtual-clock.ts'

const NOON = parseInstant('2013-02-08T12:00:00Z')

/** A source and the monotonic clock of its reader, both moved by hand. */
class Bench {
  reading: ClockReading | null
  error: Error | null = null
  reads = 0
  ms = 0

  constructor(reading: ClockReading | null) {
    this.reading = reading
  }

  clock() {
    const source = {
      read: async () => {
        this.reads += 1
        if (this.error !== null) throw this.error
        return this.reading
      },
    }
    return createVirtualClock(source, { monotonicMs: () => this.ms })
  }
}

const at = (text: string): Instant => parseInstant(`2013-02-08T${text}Z`)

describe('a running clock', () => {
  test('is extrapolated by its speed between readings', async () => {
    const bench = new Bench({ now: NOON, speed: 120 })
    const clock = bench.clock()
    expect(await clock.now()).toBe(NOON)
    bench.ms = 100
    expect(await clock.now()).toBe(at('12:00:12'))
    expect(bench.reads).toBe(1)
  })

  test('uses a reading that is 200 ms old', async () => {
    const bench = new Bench({ now: NOON, speed: 1 })
    const clock = bench.clock()
    await clock.now()
    bench.ms = 200
    await clock.now()
    expect(bench.reads).toBe(1)
  })

  test('reads again after 201 ms', async () => {
    const bench = new Bench({ now: NOON, speed: 1 })
    const clock = bench.clock()
    await clock.now()
    bench.ms = 201
    await clock.now()
    expect(bench.reads).toBe(2)
  })

  test('does not step back by what a reading lags behind', async () => {
    const bench = new Bench({ now: NOON, speed: 100 })
    const clock = bench.clock()
    await clock.now()
    bench.ms = 201
    bench.reading = { now: at('12:00:00.500'), speed: 100 }
    expect(await clock.now()).toBe(at('12:00:00.500'))
    bench.ms = 402
    bench.reading = { now: at('12:00:00.400'), speed: 100 }
    expect(await clock.now()).toBe(at('12:00:00.500'))
  })

  test('steps back when it was set back by hand', async () => {
    const bench = new Bench({ now: NOON, speed: 100 })
    const clock = bench.clock()
    await clock.now()
    bench.ms = 201
    bench.reading = { now: at('06:00:00'), speed: 100 }
    expect(await clock.now()).toBe(at('06:00:00'))
  })

  test('goes on for 10 s when its source fails', async () => {
    const bench = new Bench({ now: NOON, speed: 1 })
    const clock = bench.clock()
    await clock.now()
    bench.error = new Error('away')
    bench.ms = 10_000
    expect(await clock.now()).toBe(at('12:00:10'))
  })

  test('rejects when its source fails for longer', async () => {
    const bench = new Bench({ now: NOON, speed: 1 })
    const clock = bench.clock()
    await clock.now()
    bench.error = new Error('away')
    bench.ms = 10_001
    await expect(clock.now()).rejects.toThrow('away')
  })
})

describe('a stopped clock', () => {
  test('is asked each time, as it is moved by hand', async () => {
    const bench = new Bench({ now: NOON, speed: 0 })
    const clock = bench.clock()
    expect(await clock.now()).toBe(NOON)
    bench.reading = { now: at('12:10:00'), speed: 0 }
    expect(await clock.now()).toBe(at('12:10:00'))
    expect(bench.reads).toBe(2)
  })

  test('does not run on', async () => {
    const bench = new Bench({ now: NOON, speed: 0 })
    const clock = bench.clock()
    await clock.now()
    bench.ms = 60_000
    expect(await clock.now()).toBe(NOON)
  })

  test('rejects at once when its source fails', async () => {
    const bench = new Bench({ now: NOON, speed: 0 })
    const clock = bench.clock()
    await clock.now()
    bench.error = new Error('away')
    await expect(clock.now()).rejects.toThrow('away')
  })
})

describe('without a reading', () => {
  test('wall time holds', async () => {
    const before = new Date().toISOString()
    const now = await new Bench(null).clock().now()
    expect(now >= before).toBe(true)
    expect(now <= new Date().toISOString()).toBe(true)
  })

  test('a failing first reading is told', async () => {
    const bench = new Bench(null)
    bench.error = new Error('away')
    await expect(bench.clock().now()).rejects.toThrow('away')
  })
})

test('callers at the same moment share one reading', async () => {
  const bench = new Bench({ now: NOON, speed: 0 })
  const clock = bench.clock()
  await Promise.all([clock.now(), clock.now(), clock.now()])
  expect(bench.reads).toBe(1)
})
