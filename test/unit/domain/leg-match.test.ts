import { describe, expect, it } from 'vitest'

import { matchLeg } from '../../../domain/leg-match.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../../domain/time.ts'
import {
  arrived,
  arrivalPlus,
  decisionAfter,
  departurePlus,
  LEG,
  record,
  HOURS,
  seenAt,
} from './legs.ts'

function originalOf(records: ProviderLeg[], knownIds: string[] = []): ProviderLeg | null | string {
  const match = matchLeg(LEG, records, knownIds)
  return match.kind === 'matched' ? match.original : match.kind
}

/** The same flight so many hours later. */
function shifted(hours: number, said: Partial<ProviderLeg> = {}): ProviderLeg {
  return record({
    providerFlightId: `other-${hours}`,
    scheduledOut: addMs(LEG.scheduledOut, hours * HOUR_MS),
    scheduledIn: addMs(LEG.scheduledIn, hours * HOUR_MS),
    ...said,
  })
}

describe('the record of the leg among others', () => {
  const own = arrived(7)

  it('is found by its date, wherever it stands', () => {
    const records = [shifted(48), shifted(24), own, shifted(-24), shifted(-48)]
    expect(originalOf(records)).toBe(own)
    expect(originalOf(records.toReversed())).toBe(own)
  })

  it.each([
    ['another route of the number', { origin: 'LGA', destination: 'STL' }],
    ['another origin', { origin: 'EWR' }],
    ['another number', { flightNumber: '36' }],
    ['a code share of another carrier', { carrier: 'QF', flightNumber: '3101' }],
    ['the way back', { origin: 'PBI', destination: 'JFK' }],
  ])('is not %s', (_, said) => {
    expect(originalOf([record(said)])).toBe('none')
    expect(originalOf([record(said), own])).toBe(own)
  })

  it('may lack carrier and number, and may write the number with zeros', () => {
    const bare = arrived(7, { carrier: null, flightNumber: null })
    expect(originalOf([bare])).toBe(bare)
    const zeros = arrived(7, { flightNumber: '0035' })
    expect(originalOf([zeros])).toBe(zeros)
  })

  it('is none without a departure date, unless its id is known', () => {
    const undated = record({ scheduledOut: null })
    expect(originalOf([undated])).toBe('none')
    expect(originalOf([undated], [undated.providerFlightId ?? ''])).toBe(undated)
  })

  it('has the date at the origin, not the UTC date', () => {
    // 23:30 in New York on the 8th is the 9th in UTC.
    const late = { ...LEG, scheduledOut: addMs(LEG.scheduledOut, 13.5 * HOUR_MS) }
    const lateRecord = record({ scheduledOut: late.scheduledOut })
    const nextMorning = record({ scheduledOut: addMs(late.scheduledOut, 9 * HOUR_MS) })
    const match = matchLeg(late, [nextMorning, lateRecord], [])
    expect(match).toMatchObject({ kind: 'matched', original: lateRecord })
  })

  it('may be retimed over midnight by four hours, not by more', () => {
    const late = { ...LEG, scheduledOut: addMs(LEG.scheduledOut, 13.5 * HOUR_MS) }
    const retimed = record({ scheduledOut: addMs(late.scheduledOut, 4 * HOUR_MS) })
    expect(matchLeg(late, [retimed], []).kind).toBe('matched')
    const beyond = record({ scheduledOut: addMs(late.scheduledOut, 4 * HOUR_MS + MINUTE_MS) })
    expect(matchLeg(late, [beyond], []).kind).toBe('none')
  })
})

describe('a leg shown twice', () => {
  it('is the fuller of two equal records', () => {
    const own = arrived(7)
    expect(originalOf([record(), own])).toBe(own)
    expect(originalOf([own, own])).toBe(own)
  })

  it('is the one that flies when the other is cancelled', () => {
    const own = record({ actualOut: departurePlus(3) })
    expect(originalOf([record({ cancelled: true }), own])).toBe(own)
  })

  it('is ambiguous with two arrivals more than two minutes apart', () => {
    expect(originalOf([arrived(7), arrived(9)])).not.toBe('ambiguous')
    expect(originalOf([arrived(7), arrived(10)])).toBe('ambiguous')
  })

  it('is the one in the insured timetable when the number goes twice a day', () => {
    const own = arrived(7)
    const evening = arrived(7 * HOURS, {
      providerFlightId: 'evening',
      scheduledOut: departurePlus(7 * HOURS),
      scheduledIn: arrivalPlus(7 * HOURS),
    })
    expect(originalOf([evening, own])).toBe(own)
  })

  it('is ambiguous when it was cancelled and flown at another time', () => {
    const later = record({ providerFlightId: 'b', scheduledOut: departurePlus(2 * HOURS) })
    expect(originalOf([record({ cancelled: true }), later])).toBe('ambiguous')
  })

  it('is ambiguous when neither is in the insured timetable', () => {
    const one = record({ providerFlightId: 'a', scheduledOut: departurePlus(60) })
    const other = record({ providerFlightId: 'b', scheduledOut: departurePlus(120) })
    expect(originalOf([one, other])).toBe('ambiguous')
  })
})

describe('identity: two records that may be the leg', () => {
  const both = [
    record({ scheduledOut: departurePlus(60) }),
    record({ providerFlightId: 'other', scheduledOut: departurePlus(-60) }),
  ]

  it('go to people once it should have arrived, never to a payment or a denial', () => {
    expect(decisionAfter(seenAt([-30], both)).outcome).toBe('NOT_YET')
    expect(decisionAfter(seenAt([-30, 0], both))).toEqual({
      outcome: 'REVIEW',
      reasons: ['AMBIGUOUS_MATCH'],
    })
  })

  it('are told apart as soon as one of them is', () => {
    const told = [...seenAt([-30], both), ...seenAt([12, 27], [arrived(10)])]
    expect(decisionAfter(told).outcome).toBe('NO_PAY')
  })
})
