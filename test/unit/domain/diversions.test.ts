import { describe, expect, it } from 'vitest'

import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import {
  arrivalPlus,
  arrived,
  decisionAfter,
  departurePlus,
  factsAfter,
  HOURS,
  record,
  seenAt,
  type Answer,
} from './legs.ts'

/** Off the ground, then flagged, without an arrival of its own. */
const FLAGGED = record({
  diverted: true,
  actualOut: departurePlus(5),
  actualOff: departurePlus(20),
})

/** The same flight on the ground in Orlando, an hour after it should have arrived. */
const ELSEWHERE = record({
  diverted: true,
  destination: 'MCO',
  actualOut: departurePlus(5),
  actualOff: departurePlus(20),
  actualOn: arrivalPlus(55),
  actualIn: arrivalPlus(60),
})

/** From an airport on to the insured destination. */
function onward(delayMin: number, said: Partial<ProviderLeg> = {}): ProviderLeg {
  return record({
    origin: 'MCO',
    scheduledOut: arrivalPlus(100),
    scheduledIn: arrivalPlus(180),
    actualOut: arrivalPlus(delayMin - 60),
    actualOff: arrivalPlus(delayMin - 50),
    actualOn: arrivalPlus(delayMin - 5),
    actualIn: arrivalPlus(delayMin),
    ...said,
  })
}

const UNDER_WAY = { actualOut: null, actualOff: null, actualOn: null, actualIn: null }

describe('a diverted flight that reaches its destination decides on its arrival there', () => {
  const forms: [string, ProviderLeg[]][] = [
    ['original, landing elsewhere, continuation from there', [FLAGGED, ELSEWHERE, onward(200)]],
    ['original and continuation from there', [FLAGGED, onward(200)]],
    [
      'original, landing elsewhere, continuation shown from the first origin',
      [FLAGGED, ELSEWHERE, onward(200, { origin: 'JFK' })],
    ],
    [
      'original and continuation in the original timetable',
      [FLAGGED, onward(200, { origin: 'JFK', scheduledOut: departurePlus(0) })],
    ],
    ['destination changed, and a record on from there', [ELSEWHERE, onward(200)]],
    [
      'destination changed without a flag, and a record on from there',
      [{ ...ELSEWHERE, diverted: false }, onward(200, { providerFlightId: 'another' })],
    ],
    [
      'destination changed, and a record in the original timetable',
      [ELSEWHERE, arrived(200, { actualOut: arrivalPlus(120), actualOff: arrivalPlus(130) })],
    ],
    ['one record, flagged, with its arrival', [arrived(200, { diverted: true })]],
    ['every record flagged', [FLAGGED, ELSEWHERE, onward(200, { diverted: true })]],
    [
      'the landing elsewhere taken for the arrival at first',
      [{ ...FLAGGED, actualIn: arrivalPlus(60) }, ELSEWHERE, onward(200)],
    ],
  ]

  it.each(forms)('%s', (_, records) => {
    expect(decisionAfter(seenAt([202, 262], records))).toMatchObject({
      outcome: 'PAY',
      bps: 10_000,
      delayMin: 200,
    })
  })

  it.each(forms)('in any order: %s', (_, records) => {
    const facts = factsAfter(seenAt([202, 262], records))
    expect(factsAfter(seenAt([202, 262], records.toReversed()))).toEqual(facts)
  })

  it('pays nothing when it comes a little late only', () => {
    const early = { ...ELSEWHERE, actualOn: arrivalPlus(-60), actualIn: arrivalPlus(-55) }
    const records = [FLAGGED, early, onward(19)]
    expect(decisionAfter(seenAt([21, 36], records))).toMatchObject({
      outcome: 'NO_PAY',
      delayMin: 19,
    })
  })
})

describe('a landing elsewhere is no arrival', () => {
  const atOtherGate = { ...FLAGGED, actualOn: arrivalPlus(55), actualIn: arrivalPlus(60) }

  it('waits for a continuation', () => {
    const answers = seenAt([62, 122, 600], [atOtherGate, ELSEWHERE])
    expect(decisionAfter(answers)).toEqual({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(24 * HOURS),
      reasons: ['AWAITING_CONTINUATION'],
    })
  })

  it('forgets the arrival that it first seemed to be', () => {
    const answers: Answer[] = [
      ...seenAt([62], [atOtherGate]),
      ...seenAt([70, 122], [atOtherGate, ELSEWHERE]),
    ]
    expect(factsAfter(answers).arrival).toBeNull()
  })

  it('holds a lone flagged record with an arrival for the longer gap', () => {
    expect(decisionAfter(seenAt([202, 217], [arrived(200, { diverted: true })])).outcome).toBe(
      'NOT_YET',
    )
    expect(decisionAfter(seenAt([202, 262], [arrived(200, { diverted: true })])).outcome).toBe(
      'PAY',
    )
  })

  it('does not take the touch-down of a flagged record for one at the destination', () => {
    const records = [{ ...FLAGGED, actualOn: arrivalPlus(200) }]
    expect(decisionAfter(seenAt([205, 200 + 7 * HOURS], records)).outcome).toBe('NOT_YET')
  })

  it('asks people when a flagged record shows a later arrival than the landing elsewhere', () => {
    const records = [{ ...FLAGGED, actualIn: arrivalPlus(300) }, ELSEWHERE]
    expect(decisionAfter(seenAt([310, 24 * HOURS], records))).toEqual({
      outcome: 'REVIEW',
      reasons: ['DIVERSION_UNCLEAR'],
    })
  })
})

describe('a diverted flight that does not go on', () => {
  it('pays 24 hours after the insured arrival, not a minute before', () => {
    const records = [FLAGGED, ELSEWHERE]
    expect(decisionAfter(seenAt([60, 24 * HOURS - 1], records)).outcome).toBe('NOT_YET')
    expect(decisionAfter(seenAt([60, 24 * HOURS], records))).toEqual({
      outcome: 'PAY',
      bps: 10_000,
      delayMin: null,
      reasons: ['NOT_REACHED'],
    })
  })

  it('pays on the flag alone', () => {
    expect(decisionAfter(seenAt([60, 24 * HOURS], [FLAGGED])).outcome).toBe('PAY')
  })

  it('pays on a landing elsewhere without a flag', () => {
    const records = [{ ...ELSEWHERE, diverted: false }]
    expect(decisionAfter(seenAt([60, 24 * HOURS], records)).outcome).toBe('PAY')
    const withPlan = [{ ...FLAGGED, diverted: false }, ...records]
    expect(decisionAfter(seenAt([60, 24 * HOURS], withPlan)).outcome).toBe('PAY')
  })

  it('pays when the continuation was cancelled', () => {
    const records = [FLAGGED, ELSEWHERE, onward(0, { ...UNDER_WAY, cancelled: true })]
    expect(decisionAfter(seenAt([90, 24 * HOURS], records)).outcome).toBe('PAY')
  })

  it('asks people when a continuation is still under way', () => {
    const records = [FLAGGED, ELSEWHERE, onward(0, UNDER_WAY)]
    expect(decisionAfter(seenAt([90, 24 * HOURS], records))).toEqual({
      outcome: 'REVIEW',
      reasons: ['CONTINUATION_UNFINISHED'],
    })
  })

  it('asks people when another flight of the number may be the continuation', () => {
    const stranger = onward(300, { origin: 'TPA', providerFlightId: 'another' })
    expect(decisionAfter(seenAt([310, 24 * HOURS], [FLAGGED, stranger]))).toEqual({
      outcome: 'REVIEW',
      reasons: ['DIVERSION_UNCLEAR'],
    })
  })

  it.each([
    ['the insured timetable', { scheduledIn: arrivalPlus(0) }, {}],
    ['the aircraft', { registration: 'N653JB' }, { registration: 'N653JB' }],
  ])('is carried on by a record that %s ties to it', (_, said, own) => {
    const tied = onward(200, { origin: 'TPA', providerFlightId: 'another', ...said })
    expect(decisionAfter(seenAt([202, 262], [{ ...FLAGGED, ...own }, tied]))).toMatchObject({
      outcome: 'PAY',
      delayMin: 200,
    })
  })

  it("is not carried on by the next day's flight", () => {
    const nextDay = arrived(24 * HOURS, {
      providerFlightId: 'tomorrow',
      scheduledOut: departurePlus(24 * HOURS),
      scheduledIn: arrivalPlus(24 * HOURS),
    })
    const records = [nextDay, FLAGGED, ELSEWHERE]
    expect(decisionAfter(seenAt([60, 24 * HOURS + 20], records))).toMatchObject({
      outcome: 'PAY',
      reasons: ['NOT_REACHED'],
    })
  })

  it("is not carried on by the next date's flight a night later, even under its id", () => {
    const nextDate = arrived(15 * HOURS, {
      scheduledOut: departurePlus(14.5 * HOURS),
      scheduledIn: arrivalPlus(14.5 * HOURS),
    })
    expect(decisionAfter(seenAt([60, 24 * HOURS + 20], [nextDate, FLAGGED]))).toMatchObject({
      outcome: 'PAY',
      reasons: ['NOT_REACHED'],
    })
  })

  it('is no diversion any more when the destination is changed back', () => {
    const answers: Answer[] = [
      ...seenAt([-30], [FLAGGED]),
      ...seenAt([12, 27], [arrived(10, { actualOff: departurePlus(20) })]),
    ]
    expect(decisionAfter(answers)).toMatchObject({ outcome: 'NO_PAY', delayMin: 10 })
  })
})
