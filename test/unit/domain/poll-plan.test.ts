import { describe, expect, it } from 'vitest'

import { emptyFacts } from '../../../domain/leg-facts.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { maxGapMs, nextPoll, type NextPoll, type NextPollInput } from '../../../domain/poll-plan.ts'
import { HOUR_MS, MINUTE_MS, msBetween, toMs, type Instant } from '../../../domain/time.ts'
import {
  arrivalPlus,
  arrived,
  departurePlus,
  factsAfter,
  HOURS,
  LEG,
  product,
  record,
} from './legs.ts'

function planAt(now: Instant, input: Partial<NextPollInput> = {}): NextPoll {
  return nextPoll({
    leg: LEG,
    facts: emptyFacts(),
    products: [product('FD45')],
    now,
    consecutiveFailures: 0,
    ...input,
  })
}

/** The plan after a poll at `now` that showed this. */
function after(now: Instant, records: ProviderLeg[], code = 'FD45'): NextPoll {
  return planAt(now, { facts: factsAfter([[now, records]]), products: [product(code)] })
}

/** Minutes after the scheduled departure. */
function minuteOf(plan: NextPoll): number | null {
  return plan.at === null ? null : msBetween(LEG.scheduledOut, plan.at) / MINUTE_MS
}

describe('at bind', () => {
  it.each([
    [-72 * HOURS, -46 * HOURS],
    [-46 * HOURS - 1, -46 * HOURS],
    [-46 * HOURS, -24.25 * HOURS],
    [-23 * HOURS, -6 * HOURS],
    [-5 * HOURS, -120],
    [-121, -120],
    [-120, -120],
    [-30, -30],
    [100, 100],
    [40 * HOURS, 40 * HOURS],
  ])('bound at %i minutes, the first look is at %i', (bound, first) => {
    const plan = planAt(departurePlus(bound))
    if (bound > 20 * HOURS) expect(plan.at).toBeNull()
    else expect(minuteOf(plan)).toBe(first)
  })
})

describe('before departure', () => {
  it('trap 18: looks at -46 h, -24.25 h, -6 h, -120, -45 and -10 minutes, and at +10', () => {
    const minutes: (number | null)[] = []
    let now = departurePlus(-72 * HOURS)
    let facts = emptyFacts()
    for (let polls = 0; polls < 7; polls += 1) {
      const plan = planAt(now, { facts })
      minutes.push(minuteOf(plan))
      now = plan.at ?? now
      facts = factsAfter([[now, [record()]]])
    }
    expect(minutes).toEqual([-46 * HOURS, -24.25 * HOURS, -6 * HOURS, -120, -45, -10, 10])
  })

  it('skips the last one when the provider estimates departures, and comes 5 minutes after that', () => {
    const estimated = record({ estimatedOut: departurePlus(0) })
    expect(after(departurePlus(-45), [estimated])).toMatchObject({
      at: departurePlus(5),
      phase: 'AWAIT_OUT',
    })
  })

  it('follows an estimate, but never waits longer than four hours', () => {
    const late = record({ estimatedOut: departurePlus(100) })
    expect(minuteOf(after(departurePlus(60), [late]))).toBe(105)
    const veryLate = record({ estimatedOut: departurePlus(1_300) })
    expect(minuteOf(after(departurePlus(1_260), [veryLate]))).toBe(1_305)
    expect(minuteOf(after(departurePlus(10), [veryLate]))).toBe(10 + 4 * HOURS)
  })

  it('waits for a late departure every 15 minutes for an hour, then every 30', () => {
    expect(minuteOf(after(departurePlus(10), [record()]))).toBe(25)
    expect(minuteOf(after(departurePlus(69), [record()]))).toBe(84)
    expect(minuteOf(after(departurePlus(70), [record()]))).toBe(100)
  })
})

describe('on the way', () => {
  const out = { actualOut: departurePlus(0) }

  it('looks once past half-way when more than three hours are left, not when three are', () => {
    const far = record({ ...out, estimatedIn: departurePlus(200) })
    expect(after(departurePlus(19), [far])).toMatchObject({
      at: departurePlus(130),
      phase: 'EN_ROUTE',
    })
    expect(after(departurePlus(20), [far]).at).toBe(departurePlus(178))
  })

  it('then shortly before the arrival: 22 minutes before an estimate, 10 before the timetable', () => {
    expect(after(departurePlus(95), [record(out)]).at).toBe(arrivalPlus(-10))
    const estimated = record({ ...out, estimatedIn: arrivalPlus(12) })
    expect(after(departurePlus(100), [estimated]).at).toBe(arrivalPlus(-10))
  })

  it('looks every two minutes from 90 seconds before a good estimate, every five around the timetable', () => {
    const estimated = record({ ...out, estimatedIn: arrivalPlus(12) })
    expect(after(arrivalPlus(-8), [estimated]).at).toBe(arrivalPlus(10, 30))
    expect(after(arrivalPlus(12), [estimated]).at).toBe(arrivalPlus(14))
    expect(after(arrivalPlus(2), [record(out)]).at).toBe(arrivalPlus(7))
  })

  it('doubles its steps when the arrival is half an hour late, up to an hour', () => {
    expect(after(arrivalPlus(31), [record(out)]).at).toBe(arrivalPlus(41))
    expect(after(arrivalPlus(60), [record(out)]).at).toBe(arrivalPlus(90))
    expect(after(arrivalPlus(300), [record(out)]).at).toBe(arrivalPlus(360))
  })
})

describe('when the end is near', () => {
  it('confirms an arrival after 15 minutes, near a tier after an hour', () => {
    expect(after(arrivalPlus(12), [arrived(10)])).toMatchObject({
      at: arrivalPlus(27),
      phase: 'SETTLE',
    })
    expect(after(arrivalPlus(46), [arrived(44)]).at).toBe(arrivalPlus(106))
    expect(after(arrivalPlus(46), [arrived(44)], 'FD180').at).toBe(arrivalPlus(61))
  })

  it('looks for the product that is decidable first', () => {
    const facts = factsAfter([[arrivalPlus(46), [arrived(44)]]])
    const products = [product('FD45'), product('FD120')]
    expect(planAt(arrivalPlus(46), { facts, products }).at).toBe(arrivalPlus(61))
  })

  it('looks at every insured arrival when policies differ', () => {
    const cancelled = [record({ cancelled: true })]
    const facts = factsAfter([[arrivalPlus(120), cancelled]])
    const insuredArrivals = [LEG.scheduledIn, arrivalPlus(-30)]
    expect(planAt(arrivalPlus(120), { facts, insuredArrivals }).at).toBe(arrivalPlus(150))
  })

  it('ends when every product is decided', () => {
    const facts = factsAfter([
      [arrivalPlus(12), [arrived(10)]],
      [arrivalPlus(27), [arrived(10)]],
    ])
    expect(planAt(arrivalPlus(27), { facts })).toEqual({
      at: null,
      phase: 'DONE',
      reason: 'decided',
    })
  })

  it('looks again 30 minutes after a cancellation, at departure, an hour and 3 h after arrival', () => {
    const cancelled = [record({ cancelled: true })]
    const seen = departurePlus(-200)
    const minutes: (number | null)[] = []
    let now: Instant | null = seen
    while (now !== null && minutes.length < 9) {
      const facts = factsAfter([
        [seen, cancelled],
        [now, cancelled],
      ])
      const plan = planAt(now, { facts })
      minutes.push(minuteOf(plan))
      now = plan.at
    }
    expect(minutes).toEqual([-170, 0, 240, 360, null])
  })

  it('looks every 15 minutes after a diversion, hourly after two hours, and at the end of cover', () => {
    const diverted = [record({ actualOff: departurePlus(20), diverted: true })]
    const planLater = (minute: number) => {
      const facts = factsAfter([
        [arrivalPlus(0), diverted],
        [arrivalPlus(minute), diverted],
      ])
      return planAt(arrivalPlus(minute), { facts }).at
    }
    expect(planLater(0)).toBe(arrivalPlus(15))
    expect(planLater(119)).toBe(arrivalPlus(134))
    expect(planLater(120)).toBe(arrivalPlus(180))
    expect(planLater(24 * HOURS - 10)).toBe(arrivalPlus(24 * HOURS))
  })

  it('looks for a vanished leg every 15 minutes, hourly after an hour', () => {
    const planLater = (minute: number) => {
      const facts = factsAfter([
        [departurePlus(10), []],
        [departurePlus(minute), []],
      ])
      return minuteOf(planAt(departurePlus(minute), { facts }))
    }
    expect(planLater(10)).toBe(25)
    expect(planLater(70)).toBe(130)
  })
})

describe('after failed polls', () => {
  it.each([
    [1, 2],
    [2, 4],
    [3, 8],
    [6, 60],
    [30, 60],
  ])('%i in a row wait %i minutes', (consecutiveFailures, minutes) => {
    const facts = factsAfter([[departurePlus(60), [record({ actualOut: departurePlus(0) })]]])
    const plan = planAt(departurePlus(70), { facts, consecutiveFailures })
    expect(minuteOf(plan)).toBe(70 + minutes)
  })

  it('never miss the moment that can decide', () => {
    const facts = factsAfter([[arrivalPlus(12), [arrived(10)]]])
    expect(planAt(arrivalPlus(26), { facts, consecutiveFailures: 9 }).at).toBe(arrivalPlus(27))
  })
})

describe('the greatest gap of a phase', () => {
  it('is the greatest planned step and ten minutes', () => {
    expect(maxGapMs('PRE_WINDOW')).toBe(22 * HOUR_MS + 10 * MINUTE_MS)
    expect(maxGapMs('ARRIVAL')).toBe(HOUR_MS + 10 * MINUTE_MS)
    expect(maxGapMs('DONE')).toBe(Number.POSITIVE_INFINITY)
  })

  it('is never exceeded by a plan', () => {
    for (let minute = -46 * HOURS; minute < 20 * HOURS; minute += 7) {
      const now = departurePlus(minute)
      const shown = [
        [],
        [record()],
        [record({ estimatedOut: departurePlus(1_200) })],
        [record({ actualOut: departurePlus(-10), estimatedIn: arrivalPlus(900) })],
        [record({ cancelled: true })],
        [record({ actualOff: departurePlus(-10), diverted: true })],
      ]
      for (const records of shown) {
        const plan = after(now, records)
        const gapMs = plan.at === null ? 0 : msBetween(now, plan.at)
        expect(gapMs, `${minute} ${plan.reason}`).toBeLessThanOrEqual(maxGapMs(plan.phase))
        if (plan.at !== null) expect(toMs(plan.at)).toBeGreaterThan(toMs(now))
      }
    }
  })
})
