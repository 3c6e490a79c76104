/** Fires as they should be, computed without the server, and what is made of those that were not. */
import { describe, expect, it } from 'vitest'

import {
  expectedFires,
  judgeFires,
  lastFire,
  type FireEvidence,
  type FiredRun,
} from '../../../domain/expected-fires.ts'
import { addMs, parseInstant, SECOND_MS, type Instant } from '../../../domain/time.ts'

const interval = (everyMs: number) => ({ everyMs, wall: null })
const at = parseInstant

function fires(spec: Parameters<typeof expectedFires>[0], after: string, until: string): string[] {
  return expectedFires(spec, { after: at(after), until: at(until) }, 100)
}

describe('an interval', () => {
  it('fires on a grid that begins in 1970, after the beginning and at the end', () => {
    const spec = interval(120 * SECOND_MS)
    expect(fires(spec, '2026-03-01T12:00:00Z', '2026-03-01T12:04:00Z')).toEqual([
      '2026-03-01T12:02:00.000Z',
      '2026-03-01T12:04:00.000Z',
    ])
    expect(fires(spec, '2026-03-01T12:00:00Z', '2026-03-01T12:01:59Z')).toEqual([])
    expect(fires(spec, '2026-03-01T11:59:59Z', '2026-03-01T12:01:59Z')).toHaveLength(1)
  })

  it('gives the first so many of a long time', () => {
    const window = { after: at('2026-01-01T00:00:00Z'), until: at('2027-01-01T00:00:00Z') }
    expect(expectedFires(interval(SECOND_MS), window, 3)).toHaveLength(3)
  })
})

describe('an interval with an offset', () => {
  const spec = { ...interval(120 * SECOND_MS), offsetMs: 30 * SECOND_MS }

  it('fires later than the grid by as much, and not on it', () => {
    expect(fires(spec, '2026-03-01T12:00:00Z', '2026-03-01T12:04:29Z')).toEqual([
      '2026-03-01T12:00:30.000Z',
      '2026-03-01T12:02:30.000Z',
    ])
    expect(fires(spec, '2026-03-01T12:00:00Z', '2026-03-01T12:04:30Z')).toHaveLength(3)
    expect(fires(spec, '2026-03-01T12:00:30Z', '2026-03-01T12:02:29Z')).toEqual([])
  })
})

describe('the last fire', () => {
  const monthly = {
    calendars: [{ dayOfMonth: 1, hour: 2 }],
    timezone: 'UTC',
    dst: 'shift',
  } as const

  it('of an interval with an offset is at its time, and not a millisecond before', () => {
    const spec = { ...interval(120 * SECOND_MS), offsetMs: 30 * SECOND_MS }
    expect(lastFire(spec, at('2026-03-01T12:02:30Z'))).toBe('2026-03-01T12:02:30.000Z')
    expect(lastFire(spec, at('2026-03-01T12:02:29.999Z'))).toBe('2026-03-01T12:00:30.000Z')
  })

  it('of a month is found through the month, and of nothing there is none', () => {
    const spec = { everyMs: null, wall: monthly }
    expect(lastFire(spec, at('2026-03-01T02:00:00Z'))).toBe('2026-03-01T02:00:00.000Z')
    expect(lastFire(spec, at('2026-03-01T01:59:59Z'))).toBe('2026-02-01T02:00:00.000Z')
    const once = { everyMs: null, wall: null, onceAt: at('2026-03-01T02:00:00Z') }
    expect(lastFire(once, at('2026-03-01T01:59:59Z'))).toBeNull()
    expect(lastFire(once, at('2026-03-01T02:00:00Z'))).toBe('2026-03-01T02:00:00.000Z')
  })
})

describe('times on a wall', () => {
  const daily = { calendars: [{ hour: 2 }], timezone: 'America/New_York', dst: 'shift' } as const
  const spec = { everyMs: null, wall: daily }

  it('fire after the beginning and at the end', () => {
    expect(fires(spec, '2026-03-01T07:00:00Z', '2026-03-02T07:00:00Z')).toEqual([
      '2026-03-02T07:00:00.000Z',
    ])
    expect(fires(spec, '2026-03-01T06:59:59Z', '2026-03-02T06:59:59Z')).toEqual([
      '2026-03-01T07:00:00.000Z',
    ])
  })

  it('follow the rule of the schedule when the clocks skip them', () => {
    // Clocks skip 02:00 to 03:00 on 14 March 2027 in New York.
    const [after, until] = ['2027-03-13T12:00:00Z', '2027-03-14T12:00:00Z']
    expect(fires(spec, after, until)).toEqual(['2027-03-14T07:00:00.000Z'])
    expect(fires({ ...spec, wall: { ...daily, dst: 'skip' } }, after, until)).toEqual([])
  })

  it('a schedule that says neither never fires', () => {
    const never = { everyMs: null, wall: null }
    expect(fires(never, '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z')).toEqual([])
  })
})

describe('fires are judged', () => {
  const NOMINAL = at('2026-03-01T12:00:00Z')
  const run = (change: Partial<FiredRun> = {}): FiredRun => ({
    runId: 'r1',
    nominalAt: NOMINAL,
    startedAt: addMs(NOMINAL, 40),
    closedAt: addMs(NOMINAL, SECOND_MS),
    isGoneOn: false,
    ...change,
  })
  const judge = (runs: readonly FiredRun[], change: Partial<FireEvidence> = {}) => {
    const evidence = { expected: [NOMINAL], isPaused: false, mayOverlap: false, jitterMs: 0 }
    return judgeFires({ ...evidence, runs, ...change }).map(({ kind, causeRunId }) => [
      kind,
      causeRunId,
    ])
  }
  const before = (openUntil: Instant | null) =>
    run({
      runId: 'r0',
      nominalAt: addMs(NOMINAL, -60 * SECOND_MS),
      startedAt: addMs(NOMINAL, -60 * SECOND_MS),
      closedAt: openUntil,
    })

  it('as they should be when one run started in time', () => {
    expect(judge([run()])).toEqual([])
    expect(judge([run({ startedAt: addMs(NOMINAL, 10_000) })])).toEqual([])
  })

  it('late beyond ten seconds and the spread', () => {
    const late = run({ startedAt: addMs(NOMINAL, 10_001) })
    expect(judge([late])).toEqual([['late', 'r1']])
    expect(judge([late], { jitterMs: 1 })).toEqual([])
  })

  it('double when two runs have the time, not when one goes on for the other', () => {
    const second = run({ runId: 'r2', startedAt: addMs(NOMINAL, 90) })
    expect(judge([second, run()])).toEqual([['double', 'r2']])
    expect(judge([second, run({ isGoneOn: true })])).toEqual([])
  })

  it('missing without a run, paused when it was', () => {
    expect(judge([])).toEqual([['missing', null]])
    expect(judge([], { isPaused: true })).toEqual([['paused', null]])
  })

  it('skipped when an earlier run was open at that time', () => {
    expect(judge([before(null)])).toEqual([['overlap', 'r0']])
    expect(judge([before(NOMINAL)])).toEqual([['overlap', 'r0']])
    expect(judge([before(addMs(NOMINAL, -1))])).toEqual([['missing', null]])
    expect(judge([before(null)], { mayOverlap: true })).toEqual([['missing', null]])
  })
})
