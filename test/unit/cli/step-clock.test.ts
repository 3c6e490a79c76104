import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import type { StepDeps } from '../../../cli/clock/step-clock.ts'
import { chooseTarget, stepClock } from '../../../cli/clock/step-clock.ts'
import type { ClockReading } from '../../../domain/ports/clock.ts'
import type { Instant } from '../../../domain/time.ts'
import { MINUTE_MS, parseInstant } from '../../../domain/time.ts'

const at = (text: string): Instant => parseInstant(`2013-02-08T${text}:00Z`)
const dueAt = (instant: Instant | null) => ({ nextDueAt: async () => instant })
const now = at('12:00')
const minMs = 10 * MINUTE_MS

describe('the next moment', () => {
  test('is the first due one', async () => {
    expect(await chooseTarget(dueAt(at('14:30')), now, { minMs })).toBe(at('14:30'))
  })

  test('lies on the two-minute grid, never before what is due', async () => {
    expect(await chooseTarget(dueAt(at('14:31')), now, { minMs })).toBe(at('14:32'))
    const justAfter = parseInstant('2013-02-08T14:30:00.001Z')
    expect(await chooseTarget(dueAt(justAfter), now, { minMs })).toBe(at('14:32'))
  })

  test('is ten minutes on when something is due sooner', async () => {
    expect(await chooseTarget(dueAt(at('12:02')), now, { minMs })).toBe(at('12:10'))
  })

  test('is ten minutes on when something is overdue', async () => {
    expect(await chooseTarget(dueAt(at('09:00')), now, { minMs })).toBe(at('12:10'))
  })

  test('is nowhere when nothing is due any more', async () => {
    expect(await chooseTarget(dueAt(null), now, { minMs })).toBeNull()
  })
})

describe('a wish', () => {
  test('goes exactly there, due or not', async () => {
    expect(await chooseTarget(dueAt(null), now, { minMs, to: at('13:01') })).toBe(at('13:01'))
  })

  test('not to go beyond a moment is kept', async () => {
    const request = { minMs, notAfter: at('13:00') }
    expect(await chooseTarget(dueAt(at('14:30')), now, request)).toBe(at('13:00'))
    expect(await chooseTarget(dueAt(at('12:58')), now, request)).toBe(at('12:58'))
  })

  test('not to go beyond a moment that is past does not turn the clock back', async () => {
    const request = { minMs, notAfter: at('11:00') }
    expect(await chooseTarget(dueAt(at('14:30')), now, request)).toBe(now)
  })
})

describe('a step', () => {
  const never = new AbortController().signal

  /** An instance whose ticks take two due legs each, and whose payouts settle on the third look. */
  function instance(reading: ClockReading, legsDue: number) {
    const state = {
      reading,
      legsDue,
      looks: 0,
      settleAtLook: 5,
      held: 0,
      rounds: 1,
      batchesBefore: [] as string[],
    }
    const deps = {
      clockStore: {
        read: async () => state.reading,
        set: async ({ now }: { now?: Instant }) => {
          state.reading = { ...state.reading, now: now ?? state.reading.now }
          return state.reading
        },
      },
      overviewStore: {
        nextDueAt: async () => (state.legsDue > 0 ? at('14:30') : null),
        pendingWork: async () => {
          state.looks += 1
          return { legsDue: state.legsDue, payoutsOpen: state.looks < state.settleAtLook ? 2 : 0 }
        },
        openPayoutBatches: async () => (state.looks === 0 ? state.batchesBefore : ['batch']),
      },
      askRuns: async ([batchId = '']) => [{ batchId, held: state.held, rounds: state.rounds }],
      runTick: async () => {
        state.legsDue = Math.max(0, state.legsDue - 2)
        return { claimed: 2, polled: 2, policiesPaid: 1, policiesNotPaid: 3, payoutsCreated: 1 }
      },
    }
    // Only what a step uses.
    return { state, deps: deps as unknown as StepDeps }
  }

  test('ticks until nothing is due there, then waits for its payouts', async () => {
    const { state, deps } = instance({ now, speed: 0 }, 5)
    expect(await stepClock(deps, { minMs }, never)).toEqual({
      kind: 'stepped',
      now: at('14:30'),
      ticks: 3,
      polled: 6,
      policiesPaid: 3,
      policiesNotPaid: 9,
      payoutsCreated: 3,
      legsDue: 0,
      payoutsOpen: 0,
    })
    expect(state.looks).toBe(5)
  })

  test('does not wait for payouts that are all held', async () => {
    const { state, deps } = instance({ now, speed: 0 }, 2)
    Object.assign(state, { settleAtLook: 1_000, held: 2 })
    const startedMs = performance.now()
    expect(await stepClock(deps, { minMs }, never)).toMatchObject({ payoutsOpen: 2 })
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  })

  test('waits for payouts held before until their run has looked again', async () => {
    const { state, deps } = instance({ now, speed: 0 }, 2)
    Object.assign(state, { settleAtLook: 1_000, held: 2, batchesBefore: ['batch'] })
    const step = stepClock(deps, { minMs }, never)
    const first = await Promise.race([step, sleep(1_500, 'waits')])
    state.rounds += 1
    expect(first).toBe('waits')
    expect(await step).toMatchObject({ payoutsOpen: 2 })
  })

  test('waits for the last payout that is not held', async () => {
    const { state, deps } = instance({ now, speed: 0 }, 2)
    Object.assign(state, { settleAtLook: 20, held: 1 })
    expect(await stepClock(deps, { minMs }, never)).toMatchObject({ payoutsOpen: 0 })
  })

  test('without anything due leaves the clock where it is', async () => {
    const { state, deps } = instance({ now, speed: 0 }, 0)
    expect(await stepClock(deps, { minMs }, never)).toEqual({ kind: 'idle', now })
    expect(state.reading.now).toBe(now)
  })

  test('of a running clock is refused', async () => {
    const { deps } = instance({ now, speed: 1 }, 1)
    await expect(stepClock(deps, { minMs }, never)).rejects.toThrow('the clock is not stopped')
  })
})
