/** Fires as they should be, computed without the server, and what is made of those that were not. */
import { describe, expect, it } from 'vitest'

import {
  expectedFires,
  FireSpecError,
  judgeFires,
  type FireEvidence,
  type FiredRun,
} from '../../../domain/expected-fires.ts'
import { addMs, parseInstant, SECOND_MS, type Instant } from '../../../domain/time.ts'

const interval = (everyMs: number) => ({ everyMs, calendars: null, timezone: null })
const calendar = (calendars: string, timezone = 'UTC') => ({ everyMs: null, calendars, timezone })
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

describe('a calendar', () => {
  it.each([
    // Clocks skip 02:00 to 03:00 on 14 March 2027 in New York.
    ['0 2 * *', '2027-03-13T00:00:00Z', '2027-03-16T00:00:00Z', ['03-13T07:00', '03-15T06:00']],
    // They show 01:00 to 02:00 twice on 1 November 2026.
    [
      '30 1 * *',
      '2026-10-31T12:00:00Z',
      '2026-11-02T12:00:00Z',
      ['11-01T05:30', '11-01T06:30', '11-02T06:30'],
    ],
    [
      '0 6 * MONDAY',
      '2026-03-01T00:00:00Z',
      '2026-03-10T00:00:00Z',
      ['03-02T11:00', '03-09T10:00'],
    ],
    ['0 2 1 *', '2026-01-15T00:00:00Z', '2026-03-15T00:00:00Z', ['02-01T07:00', '03-01T07:00']],
    [
      '0 6-7 * 6; 30 8 * 6',
      '2026-03-06T12:00:00Z',
      '2026-03-08T00:00:00Z',
      ['03-07T11:00', '03-07T12:00', '03-07T13:30'],
    ],
  ])('%j in New York after %s until %s', (text, after, until, expected) => {
    const found = fires(calendar(text, 'America/New_York'), after, until)
    expect(found.map((one) => one.slice(5, 16))).toEqual(expected)
  })

  it('counts its days on the wall, not in UTC', () => {
    const spec = calendar('0 8 1 *', 'Pacific/Auckland')
    expect(fires(spec, '2026-01-31T00:00:00Z', '2026-02-02T00:00:00Z')).toEqual([
      '2026-01-31T19:00:00.000Z',
    ])
  })

  it.each(['0 24 * *', '0 6 * FRIYAY', '6 * *', ''])('refuses %j', (text) => {
    const read = () => fires(calendar(text), '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z')
    expect(read).toThrow(FireSpecError)
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
