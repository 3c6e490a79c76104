/** Offsets that spread schedules of the same time: stable, within their window, apart. */
import { describe, expect, it } from 'vitest'

import { expectedFires } from '../../../domain/expected-fires.ts'
import { spreadOf } from '../../../domain/spread.ts'
import { MINUTE_MS, parseInstant, SECOND_MS } from '../../../domain/time.ts'
import { firesOn } from '../../../domain/wall-schedule.ts'
import { allJobs } from '../../../jobs/registry.ts'
import { previewSchedule } from '../../../operations/preview-schedule.ts'

const WINDOW_MS = 10 * MINUTE_MS

describe('the offset of a name', () => {
  // Written down, because another offset would move every schedule that declares a spread.
  it.each([
    ['payment-events', 444],
    ['book-verification', 293],
    ['correction-watch', 350],
  ])('of %s is %i s in ten minutes, for ever', (name, offsetS) => {
    expect(spreadOf(name, WINDOW_MS)).toEqual({
      windowMs: WINDOW_MS,
      offsetMs: offsetS * SECOND_MS,
    })
  })

  it('is whole seconds before the end of the window, and nothing in a window of one second', () => {
    for (let i = 0; i < 200; i += 1) {
      const { offsetMs } = spreadOf(`job-${i}`, 7 * SECOND_MS)
      expect([0, 1, 2, 3, 4, 5, 6]).toContain(offsetMs / SECOND_MS)
      expect(spreadOf(`job-${i}`, SECOND_MS).offsetMs).toBe(0)
    }
  })

  it('uses the whole window: each tenth of it has some of 1,000 names alike but for their number', () => {
    const tenths = Array.from({ length: 1_000 }, (_, i) =>
      Math.floor(spreadOf(`job-${i}`, WINDOW_MS).offsetMs / MINUTE_MS),
    )
    for (let tenth = 0; tenth < 10; tenth += 1) {
      expect(tenths.filter((one) => one === tenth).length).toBeGreaterThan(60)
    }
  })
})

describe('a spread time on a wall', () => {
  it('keeps to the rule when the clocks skip its hour', () => {
    const calendars = [{ hour: 2, minute: 7, second: 13 }]
    const spring = { year: 2027, month: 3, day: 14 }
    const fires = (dst: 'shift' | 'skip') =>
      firesOn({ calendars, timezone: 'America/New_York', dst }, spring)
    expect(fires('shift')).toEqual([Date.UTC(2027, 2, 14, 7, 7, 13)])
    expect(fires('skip')).toEqual([])
  })
})

describe('what people are shown', () => {
  const after = parseInstant('2026-03-01T00:00:00Z')

  it.each(['payment-events', 'book-verification'])('of %s is when it fires', (name) => {
    const job = allJobs().find((one) => one.name === name)
    const { lines, spread } = previewSchedule({ job, when: {}, after, count: 2 })
    const offsetMs = spreadOf(name, WINDOW_MS).offsetMs
    expect(spread).toEqual({ windowMs: WINDOW_MS, offsetMs })
    const firstNamed = name === 'payment-events' ? after : parseInstant('2026-03-01T05:00:00Z')
    expect(Date.parse(lines[0]?.at ?? '') - Date.parse(firstNamed)).toBe(offsetMs)
  })

  it('leaves no two jobs of the same minute of midnight on the first of a month', () => {
    const jobs = allJobs().filter(({ schedule }) => schedule?.kind === 'calendar')
    const fires = jobs.flatMap(({ schedule }) => {
      if (schedule?.kind !== 'calendar') return []
      const { calendars, timezone, dst = 'shift' } = schedule
      const until = parseInstant('2026-03-01T00:30:00Z')
      const window = { after: parseInstant('2026-02-28T23:59:59Z'), until }
      return expectedFires({ everyMs: null, wall: { calendars, timezone, dst } }, window, 10)
    })
    expect(fires.length).toBeGreaterThan(1)
    expect(new Set(fires.map((at) => at.slice(0, 16))).size).toBe(fires.length)
  })
})
