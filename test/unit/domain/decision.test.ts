import { describe, expect, it } from 'vitest'

import { decide } from '../../../domain/decision.ts'
import { addMs } from '../../../domain/time.ts'
import {
  arrivalPlus,
  arrived,
  decisionAfter,
  departurePlus,
  factsAfter,
  HOURS,
  LEG,
  product,
  record,
  seenAt,
  type Answer,
} from './legs.ts'

/** Seen at the gate, and again an hour later: settled also within the edge band. */
function settledAt(delayMin: number, code: string): ReturnType<typeof decisionAfter> {
  return decisionAfter(seenAt([delayMin + 1, delayMin + 61], [arrived(delayMin)]), code)
}

describe('tiers of FD45', () => {
  it.each([
    [-86, 'NO_PAY', undefined],
    [0, 'NO_PAY', undefined],
    [44, 'NO_PAY', undefined],
    [45, 'PAY', 3_000],
    [119, 'PAY', 3_000],
    [120, 'PAY', 6_000],
    [179, 'PAY', 6_000],
    [180, 'PAY', 10_000],
    [1_272, 'PAY', 10_000],
  ])('at %i minutes late: %s %s', (delayMin, outcome, bps) => {
    const decision = settledAt(delayMin, 'FD45')
    expect(decision).toMatchObject({ outcome, delayMin, ...(bps === undefined ? {} : { bps }) })
  })

  it('counts whole minutes: 44 minutes 59 seconds pays nothing', () => {
    const almost = arrived(44, { actualIn: arrivalPlus(44, 59) })
    expect(decisionAfter(seenAt([46, 106], [almost]))).toMatchObject({
      outcome: 'NO_PAY',
      delayMin: 44,
    })
  })
})

describe('tiers of FD120 and FD180', () => {
  it.each([
    ['FD120', 119, 'NO_PAY'],
    ['FD120', 120, 'PAY'],
    ['FD180', 179, 'NO_PAY'],
    ['FD180', 180, 'PAY'],
  ])('%s at %i minutes: %s', (code, delayMin, outcome) => {
    expect(settledAt(delayMin, code).outcome).toBe(outcome)
  })
})

describe('settled: an arrival is settled by two reports', () => {
  const onTime = [arrived(10)]

  it('waits after one report', () => {
    expect(decisionAfter(seenAt([12], onTime))).toEqual({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(27),
      reasons: ['AWAITING_CONFIRMATION'],
    })
  })

  it('waits one second before the gap is over', () => {
    const answers: Answer[] = [
      [arrivalPlus(12), onTime],
      [arrivalPlus(26, 59), onTime],
    ]
    expect(decisionAfter(answers).outcome).toBe('NOT_YET')
  })

  it('decides when the gap is over', () => {
    expect(decisionAfter(seenAt([12, 27], onTime)).outcome).toBe('NO_PAY')
  })

  it('does not decide by the clock alone: the second report is what counts', () => {
    expect(decisionAfter(seenAt([12], onTime), 'FD45', arrivalPlus(90)).outcome).toBe('NOT_YET')
  })

  it('begins anew when the arrival changes by more than two minutes', () => {
    const answers: Answer[] = [
      [arrivalPlus(12), [arrived(10)]],
      [arrivalPlus(27), [arrived(13)]],
    ]
    expect(decisionAfter(answers)).toMatchObject({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(42),
    })
  })

  it('goes on when it changes by two minutes, and takes the newest', () => {
    const answers: Answer[] = [
      [arrivalPlus(12), [arrived(10)]],
      [arrivalPlus(27), [arrived(12)]],
    ]
    expect(decisionAfter(answers)).toMatchObject({ outcome: 'NO_PAY', delayMin: 12 })
  })

  it('begins anew when a change of a minute changes what is paid', () => {
    const answers: Answer[] = [
      [arrivalPlus(46), [arrived(45)]],
      [arrivalPlus(106), [arrived(44)]],
    ]
    expect(decisionAfter(answers)).toMatchObject({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(166),
    })
  })

  it('does not count a report that lacks the arrival', () => {
    const answers: Answer[] = [...seenAt([12], onTime), ...seenAt([30], [])]
    expect(decisionAfter(answers).outcome).toBe('NOT_YET')
  })
})

describe('edge band: near a tier the longer gap holds', () => {
  it.each([
    [39, 'NO_PAY'],
    [40, 'NOT_YET'],
    [44, 'NOT_YET'],
    [45, 'NOT_YET'],
    [50, 'NOT_YET'],
    [51, 'PAY'],
    [115, 'NOT_YET'],
    [185, 'NOT_YET'],
    [186, 'PAY'],
  ])('%i minutes late after fifteen minutes: %s', (delayMin, outcome) => {
    const answers = seenAt([delayMin + 1, delayMin + 16], [arrived(delayMin)])
    expect(decisionAfter(answers).outcome).toBe(outcome)
  })

  it('decides after the longer gap, not a second before', () => {
    const edge = [arrived(44)]
    const before: Answer[] = [
      [arrivalPlus(46), edge],
      [arrivalPlus(105, 59), edge],
    ]
    expect(decisionAfter(before)).toMatchObject({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(106),
    })
    expect(decisionAfter(seenAt([46, 106], edge)).outcome).toBe('NO_PAY')
  })

  it('is no edge where both sides pay the same', () => {
    const flat = {
      ...product('FD45'),
      tiers: [
        { minDelayMin: 120, bps: 3_000 },
        { minDelayMin: 45, bps: 3_000 },
      ],
    }
    const facts = factsAfter(seenAt([121, 136], [arrived(120)]))
    const decision = decide({
      leg: LEG,
      facts,
      insuredScheduledIn: LEG.scheduledIn,
      product: flat,
      now: arrivalPlus(136),
    })
    expect(decision).toMatchObject({ outcome: 'PAY', bps: 3_000 })
  })
})

describe('cancellation: reported by one source', () => {
  const cancelled = [record({ cancelled: true })]

  it('pays when it persists to three hours after the insured arrival', () => {
    expect(decisionAfter(seenAt([-600, 3 * HOURS], cancelled))).toEqual({
      outcome: 'PAY',
      bps: 10_000,
      delayMin: null,
      reasons: ['CANCELLED'],
    })
  })

  it('waits one minute before', () => {
    expect(decisionAfter(seenAt([-600, 3 * HOURS - 1], cancelled))).toMatchObject({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(3 * HOURS),
    })
  })

  it('needs two reports, however late the first one is', () => {
    expect(decisionAfter(seenAt([5 * HOURS], cancelled)).outcome).toBe('NOT_YET')
    expect(decisionAfter(seenAt([5 * HOURS, 5 * HOURS + 15], cancelled)).outcome).toBe('PAY')
  })

  it('is forgotten when the flight is reinstated', () => {
    const answers = [...seenAt([-600], cancelled), ...seenAt([-300, 3 * HOURS], [record()])]
    expect(decisionAfter(answers).outcome).toBe('NOT_YET')
    expect(factsAfter(answers).cancelled).toBeNull()
  })

  it('starts again when it is cancelled after having been reinstated', () => {
    const answers = [
      ...seenAt([-600], cancelled),
      ...seenAt([-300], [record()]),
      ...seenAt([3 * HOURS], cancelled),
    ]
    expect(decisionAfter(answers)).toMatchObject({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(3 * HOURS + 15),
    })
  })

  it('pays nothing when the flight then arrives on time', () => {
    const answers = [...seenAt([-600], cancelled), ...seenAt([2, 17], [arrived(0)])]
    expect(decisionAfter(answers)).toMatchObject({ outcome: 'NO_PAY', delayMin: 0 })
  })

  it('pays nothing for a flag on a flight that flies and arrives', () => {
    const flagged = [arrived(0, { cancelled: true })]
    expect(decisionAfter(seenAt([2, 17], flagged)).outcome).toBe('NO_PAY')
  })

  it('never pays once the flight left the ground', () => {
    const inFlight = [record({ actualOff: departurePlus(20), cancelled: true })]
    expect(decisionAfter(seenAt([0, 3 * HOURS, 4 * HOURS], inFlight)).outcome).toBe('NOT_YET')
    expect(decisionAfter(seenAt([0, 24 * HOURS], inFlight)).outcome).toBe('REVIEW')
  })

  it('pays the same after push-back, when it never left the ground', () => {
    const pushedBack = [record({ actualOut: departurePlus(12), cancelled: true })]
    expect(decisionAfter(seenAt([0, 3 * HOURS], pushedBack))).toMatchObject({
      outcome: 'PAY',
      bps: 10_000,
    })
  })

  it('pays nothing under a product that does not cover it', () => {
    const decision = decide({
      leg: LEG,
      facts: factsAfter(seenAt([-600, 3 * HOURS], cancelled)),
      insuredScheduledIn: LEG.scheduledIn,
      product: { ...product('FD45'), cancelBps: 0 },
      now: arrivalPlus(3 * HOURS),
    })
    expect(decision).toMatchObject({ outcome: 'NO_PAY', delayMin: null })
  })
})

describe('silence: is never evidence', () => {
  it('waits while nothing is known, until cover ends', () => {
    expect(decisionAfter(seenAt([0, 24 * HOURS - 1], []))).toEqual({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(24 * HOURS),
      reasons: ['AWAITING_ARRIVAL'],
    })
  })

  it('asks people at the end of cover, and never denies', () => {
    expect(decisionAfter(seenAt([0, 24 * HOURS], []))).toEqual({
      outcome: 'REVIEW',
      reasons: ['NO_FINAL_DATA'],
    })
    expect(decisionAfter(seenAt([0, 24 * HOURS], [record()]))).toMatchObject({ outcome: 'REVIEW' })
  })

  it('does not take a vanished record for a cancellation', () => {
    const answers = [...seenAt([-600], [record()]), ...seenAt([0, 5 * HOURS], [])]
    expect(decisionAfter(answers).outcome).toBe('NOT_YET')
  })

  it('waits longer for evidence while the provider is silent, then asks people', () => {
    const once = seenAt([23 * HOURS], [arrived(22 * HOURS)])
    expect(decisionAfter(once, 'FD45', arrivalPlus(30 * HOURS)).outcome).toBe('NOT_YET')
    expect(decisionAfter(once, 'FD45', arrivalPlus(48 * HOURS)).outcome).toBe('REVIEW')
  })

  it('does not take an estimate for an arrival', () => {
    const estimated = [record({ actualOff: departurePlus(200), estimatedIn: arrivalPlus(190) })]
    expect(decisionAfter(seenAt([195, 255, 400], estimated)).outcome).toBe('NOT_YET')
  })
})

describe('sanity: what is not plausible goes to people', () => {
  it('an arrival in the future, when it stays there', () => {
    const future = [arrived(60)]
    expect(decisionAfter(seenAt([20, 35], future))).toEqual({
      outcome: 'REVIEW',
      reasons: ['FUTURE_ARRIVAL'],
    })
  })

  it('not an arrival two minutes ahead of our clock: it counts from then on', () => {
    const ahead = [arrived(30)]
    expect(decisionAfter(seenAt([28, 43], ahead)).outcome).toBe('NO_PAY')
    const answers = seenAt([20, 42], ahead)
    expect(decisionAfter(answers)).toMatchObject({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(43),
    })
  })

  it('not at the first sight: a slip may be corrected', () => {
    expect(decisionAfter(seenAt([20], [arrived(60)])).outcome).toBe('NOT_YET')
  })

  it.each([
    ['an arrival before touch-down', { actualOn: arrivalPlus(31) }, 'TIME_ORDER'],
    ['a take-off before leaving the gate', { actualOff: departurePlus(29) }, 'TIME_ORDER'],
    [
      'a flight of ten minutes',
      { actualOut: arrivalPlus(20), actualOff: null, actualOn: null },
      'BLOCK_TIME',
    ],
    [
      'a flight of twelve hours',
      { actualOut: departurePlus(-9 * HOURS), actualOff: null },
      'BLOCK_TIME',
    ],
  ])('%s', (_, said, reason) => {
    expect(decisionAfter(seenAt([32, 92], [arrived(30, said)]))).toEqual({
      outcome: 'REVIEW',
      reasons: [reason],
    })
  })

  it('a delay beyond a day, but not one of exactly a day', () => {
    const atDay = seenAt([24 * HOURS + 1, 24 * HOURS + 16], [arrived(24 * HOURS)])
    expect(decisionAfter(atDay)).toMatchObject({ outcome: 'PAY', delayMin: 1_440 })
    const beyond = seenAt([24 * HOURS + 2, 24 * HOURS + 17], [arrived(24 * HOURS + 1)])
    expect(decisionAfter(beyond)).toEqual({ outcome: 'REVIEW', reasons: ['DELAY_RANGE'] })
  })
})

describe('runway only: touch-down without a gate time', () => {
  const landed = (delayMin: number) => [
    record({ actualOff: departurePlus(20), actualOn: arrivalPlus(delayMin) }),
  ]
  const sixHoursAfter = (delayMin: number) =>
    decisionAfter(seenAt([delayMin + 2, delayMin + 6 * HOURS], landed(delayMin)))

  it('decides nothing before six hours have passed', () => {
    const answers = seenAt([202, 200 + 6 * HOURS - 1], landed(200))
    expect(decisionAfter(answers).outcome).toBe('NOT_YET')
  })

  it('pays the tier that the touch-down meets', () => {
    expect(sixHoursAfter(200)).toMatchObject({ outcome: 'PAY', bps: 10_000, delayMin: 200 })
    expect(sixHoursAfter(60)).toMatchObject({ outcome: 'PAY', bps: 3_000 })
  })

  it.each([
    [-1, 'NO_PAY'],
    [0, 'REVIEW'],
    [44, 'REVIEW'],
    [74, 'PAY'],
    [75, 'REVIEW'],
    [134, 'PAY'],
    [135, 'REVIEW'],
    [180, 'PAY'],
  ])('at %i minutes, 45 minutes below a tier being the limit: %s', (delayMin, outcome) => {
    expect(sixHoursAfter(delayMin).outcome).toBe(outcome)
  })

  it('gives way to a gate time that comes late', () => {
    const answers = [
      ...seenAt([112], landed(110)),
      ...seenAt([300, 360], [arrived(121, { actualOn: arrivalPlus(110) })]),
    ]
    expect(decisionAfter(answers)).toMatchObject({ outcome: 'PAY', bps: 6_000, delayMin: 121 })
  })
})

describe('policies of one leg with different insured arrivals', () => {
  it('are decided each by its own', () => {
    const facts = factsAfter(seenAt([62, 122], [arrived(60)]))
    const input = { leg: LEG, facts, product: product('FD45'), now: arrivalPlus(122) }
    const later = addMs(LEG.scheduledIn, 30 * 60_000)
    expect(decide({ ...input, insuredScheduledIn: LEG.scheduledIn }).outcome).toBe('PAY')
    expect(decide({ ...input, insuredScheduledIn: later })).toMatchObject({
      outcome: 'NO_PAY',
      delayMin: 30,
    })
  })
})
