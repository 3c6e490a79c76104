/** Two arrivals, or one against none: the table of conflicts, and what a second opinion is worth. */
import { describe, expect, it } from 'vitest'

import { decideBySources, shouldAskSecond } from '../../../domain/decide-by-sources.ts'
import { arrivalPlus, arrived, departurePlus, HOURS, product, record, seenAt } from './legs.ts'
import { decided, inputOf, second, secondAt } from './second.ts'

describe('sources that agree', () => {
  it('pay at the first sight of the arrival', () => {
    const decision = decided(seenAt([92], [arrived(90)]), secondAt([92], [second(90)]))
    expect(decision).toEqual({
      outcome: 'PAY',
      bps: 3_000,
      delayMin: 90,
      reasons: ['ARRIVED', 'SOURCES_AGREE', 'TIER_MET'],
    })
  })

  it('next to a tier decide without the hour of one source', () => {
    expect(decided(seenAt([47], [arrived(45)]), secondAt([47], [second(45)])).outcome).toBe('PAY')
    expect(decided(seenAt([46], [arrived(44)]), secondAt([46], [second(44)])).outcome).toBe(
      'NO_PAY',
    )
  })

  it('are three minutes apart at most; at four the second look is waited for', () => {
    const first = seenAt([92], [arrived(90)])
    expect(decided(first, secondAt([92], [second(87)])).outcome).toBe('PAY')
    expect(decided(first, secondAt([92], [second(86)])).outcome).toBe('NOT_YET')
    expect(decided(seenAt([92, 107], [arrived(90)]), secondAt([92], [second(86)])).outcome).toBe(
      'PAY',
    )
  })

  it('on either side of a tier, within three minutes, settle for an hour and follow the first', () => {
    const other = secondAt([47], [second(43)])
    expect(decided(seenAt([47, 62], [arrived(45)]), other).outcome).toBe('NOT_YET')
    expect(decided(seenAt([47, 107], [arrived(45)]), other)).toMatchObject({ bps: 3_000 })
  })
})

describe('sources that would pay different tiers', () => {
  it('pay the lower now, and people look at the difference', () => {
    const first = seenAt([132, 147], [arrived(130)])
    expect(decided(first, secondAt([147], [second(100)]))).toEqual({
      outcome: 'PAY',
      bps: 3_000,
      disputedBps: 6_000,
      delayMin: 100,
      reasons: ['TIER_DISPUTED'],
    })
    const later = seenAt([202, 217], [arrived(130)])
    expect(decided(later, secondAt([217], [second(200)]))).toMatchObject({
      bps: 6_000,
      disputedBps: 10_000,
      delayMin: 130,
    })
  })

  it('wait for the first one to be settled', () => {
    const decision = decided(seenAt([132], [arrived(130)]), secondAt([132], [second(100)]))
    expect(decision.outcome).toBe('NOT_YET')
  })
})

describe('pay against no pay', () => {
  const pay = [arrived(90)]
  const not = [second(20)]

  it('is held for an hour from when both were known', () => {
    const decision = decided(seenAt([92, 107], pay), secondAt([107], not))
    expect(decision).toEqual({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(167),
      reasons: ['SOURCES_CONFLICT'],
    })
  })

  it('goes to people when it stands after the hour, not a minute before', () => {
    const before = decided(seenAt([92, 107, 166], pay), secondAt([107, 166], not))
    expect(before.outcome).toBe('NOT_YET')
    const after = decided(seenAt([92, 107, 167], pay), secondAt([107, 167], not))
    expect(after).toEqual({ outcome: 'REVIEW', reasons: ['SOURCES_CONFLICT'] })
  })

  it('is decided when one of them is corrected meanwhile', () => {
    const corrected = [...seenAt([92, 107], pay), ...seenAt([167], [arrived(20)])]
    expect(decided(corrected, secondAt([107, 167], not)).outcome).toBe('NO_PAY')
  })

  it('holds a denial as it holds a payment', () => {
    const first = seenAt([92, 107], [arrived(20)])
    expect(decided(first, secondAt([107], [second(90)]))).toMatchObject({
      outcome: 'NOT_YET',
      reasons: ['SOURCES_CONFLICT'],
    })
  })
})

describe('one source silent', () => {
  const settled = seenAt([92, 107], [arrived(90)])

  it('lets the other decide after an hour, not a minute before', () => {
    const first = (minute: number) => [...settled, ...seenAt([minute], [arrived(90)])]
    expect(decided(first(151), secondAt([92, 107, 151], [])).outcome).toBe('NOT_YET')
    expect(decided(first(152), secondAt([92, 107, 152], []))).toMatchObject({
      outcome: 'PAY',
      reasons: ['ARRIVED', 'SINGLE_SOURCE', 'TIER_MET'],
    })
  })

  it('waits as long as the product says', () => {
    const rules = product('FD45')
    const quick = { ...rules, settle: { ...rules.settle, singleSourceWaitS: 15 * 60 } }
    const input = inputOf(settled, secondAt([92, 107], []), quick)
    expect(decideBySources(input).outcome).toBe('PAY')
  })

  it('that does not answer at all is waited for six hours, to the minute', () => {
    const until = (minute: number) =>
      decided(seenAt([92, 107, minute], [arrived(90)]), secondAt([92, 107, minute], null))
    expect(until(91 + 6 * HOURS)).toMatchObject({
      outcome: 'NOT_YET',
      reasons: ['AWAITING_SECOND_SOURCE'],
    })
    expect(until(92 + 6 * HOURS)).toMatchObject({
      outcome: 'PAY',
      reasons: ['ARRIVED', 'SINGLE_SOURCE', 'TIER_MET'],
    })
  })

  it('that did not answer is not waited for once it answers without the leg', () => {
    const first = seenAt([92, 107, 212], [arrived(90)])
    const out = secondAt([92, 107], null)
    expect(decided(first, [...out, ...secondAt([212], [])]).outcome).toBe('PAY')
    expect(decided(first, [...out, ...secondAt([212], null)]).outcome).toBe('NOT_YET')
  })

  it('that answered before its hour and then no more counts as out of order', () => {
    const first = seenAt([92, 107, 152], [arrived(90)])
    const answers = [...secondAt([92, 151], []), ...secondAt([152], null)]
    expect(decided(first, answers).outcome).toBe('NOT_YET')
  })

  it('that does not answer is asked every half hour after its first hour', () => {
    const first = seenAt([92, 107, 152], [arrived(90)])
    expect(decided(first, secondAt([92, 107, 152], null))).toMatchObject({
      decidableAt: arrivalPlus(182),
    })
  })

  it('is waited for as long out of order as the product says, never less than its wait', () => {
    const rules = product('FD45')
    const quick = { ...rules, settle: { ...rules.settle, outageWaitS: 0 } }
    const at = (minute: number) =>
      inputOf(seenAt([92, 107, minute], [arrived(90)]), secondAt([92, 107, minute], null), quick)
    expect(decideBySources(at(151)).outcome).toBe('NOT_YET')
    expect(decideBySources(at(152)).outcome).toBe('PAY')
  })

  it('is asked again every quarter of an hour: it may only be late', () => {
    expect(decided(settled, secondAt([92, 107], []))).toMatchObject({
      outcome: 'NOT_YET',
      decidableAt: arrivalPlus(122),
      reasons: ['AWAITING_SECOND_SOURCE'],
    })
  })

  it('next to a tier leaves it to people, after six hours', () => {
    const until = (minute: number) =>
      decided(seenAt([48, 108, minute], [arrived(47)]), secondAt([48, 108, minute], null))
    expect(until(47 + 6 * HOURS).outcome).toBe('NOT_YET')
    expect(until(48 + 6 * HOURS)).toEqual({
      outcome: 'REVIEW',
      reasons: ['SECOND_SOURCE_SILENT', 'EDGE_BAND'],
    })
  })

  it('next to a tier lets the first decide after six hours when it knows that the leg was flown', () => {
    // A row flagged cancelled has no arrival, but it did leave the ground.
    const flown = record({ ...arrived(47), actualOn: null, actualIn: null, cancelled: true })
    const until = (minute: number) =>
      decided(seenAt([48, 108, minute], [arrived(47)]), secondAt([48, 108, minute], [flown]))
    expect(until(47 + 6 * HOURS).outcome).toBe('NOT_YET')
    expect(until(48 + 6 * HOURS)).toEqual({
      outcome: 'PAY',
      bps: 3_000,
      delayMin: 47,
      reasons: ['ARRIVED', 'SINGLE_SOURCE', 'TIER_MET'],
    })
  })

  it('next to a tier is not overruled by what it knew before it fell silent', () => {
    const flown = record({ ...arrived(47), actualOn: null, actualIn: null })
    const minutes = [48, 108, 48 + 6 * HOURS]
    const first = seenAt(minutes, [arrived(47)])
    const silent = secondAt(minutes.slice(1), null)
    expect(decided(first, [...secondAt([48], [flown]), ...silent])).toEqual({
      outcome: 'REVIEW',
      reasons: ['SECOND_SOURCE_SILENT', 'EDGE_BAND'],
    })
  })

  it('is what times without a certain instant are: neither for nor against a payment', () => {
    const unsure = second(20, { isTimeAmbiguous: true, cancelled: true })
    const first = seenAt([92, 107, 152], [arrived(90)])
    expect(decided(first, secondAt([92, 152], [unsure]))).toMatchObject({
      reasons: ['ARRIVED', 'SINGLE_SOURCE', 'TIER_MET'],
    })
  })

  it('is what an arrival of the second source in the future is', () => {
    const first = seenAt([92, 107, 152], [arrived(90)])
    expect(decided(first, secondAt([92, 152], [second(400)]))).toMatchObject({
      reasons: ['ARRIVED', 'SINGLE_SOURCE', 'TIER_MET'],
    })
  })

  it('is what a cancellation says of a flight that has arrived', () => {
    const flagged = record({ providerFlightId: null, cancelled: true })
    const first = seenAt([92, 107, 152], [arrived(90)])
    expect(decided(first, secondAt([92, 152], [flagged]))).toMatchObject({ bps: 3_000 })
  })
})

describe('what only the second source says', () => {
  const first = seenAt([92, 107], [arrived(90)])

  it('an incident goes to people', () => {
    const incident = second(90, { isIncident: true })
    expect(decided(first, secondAt([107], [incident]))).toEqual({
      outcome: 'REVIEW',
      reasons: ['INCIDENT'],
    })
  })

  it('a diversion that the first does not know is held, then goes to people', () => {
    const diverted = record({ providerFlightId: null, diverted: true })
    expect(decided(first, secondAt([107], [diverted])).outcome).toBe('NOT_YET')
    const later = seenAt([92, 107, 170], [arrived(90)])
    expect(decided(later, secondAt([107, 170], [diverted]))).toEqual({
      outcome: 'REVIEW',
      reasons: ['SOURCES_CONFLICT'],
    })
  })
})

describe('a denial far below the tiers', () => {
  /** Left and arrived so many minutes late, of a leg planned for three hours. */
  const isAsked = (outMin: number, inMin: number) => {
    const flown = arrived(inMin, { actualOut: departurePlus(outMin), actualOff: null })
    return shouldAskSecond(inputOf(seenAt([inMin + 2], [flown]), []))
  }

  it('is asked about when half an hour of the planned time was made up, not at a minute less', () => {
    expect(isAsked(10, -20)).toBe(true)
    expect(isAsked(9, -20)).toBe(false)
  })

  it('is asked about when it left half an hour short of a tier, not at a minute more', () => {
    expect(isAsked(15, -14)).toBe(true)
    expect(isAsked(14, -15)).toBe(false)
  })

  it('is held when the second source would pay', () => {
    const early = arrived(-20, { actualOut: departurePlus(50), actualOff: departurePlus(65) })
    expect(decided(seenAt([-18, -3], [early]), secondAt([-3], [second(50)]))).toMatchObject({
      outcome: 'NOT_YET',
    })
    expect(decided(seenAt([-18, 52, 122], [early]), secondAt([52, 122], [second(50)]))).toEqual({
      outcome: 'REVIEW',
      reasons: ['SOURCES_CONFLICT'],
    })
  })
})

describe('an arrival after a diversion that one source alone has', () => {
  const diverted = (delayMin: number) => {
    const elsewhere = record({
      destination: 'MCO',
      diverted: true,
      actualOn: arrivalPlus(delayMin - 120),
    })
    const onward = arrived(delayMin, {
      origin: 'MCO',
      actualOut: arrivalPlus(delayMin - 60),
      actualOff: arrivalPlus(delayMin - 50),
    })
    const records = [record({ diverted: true }), elsewhere, onward]
    const said = record({ providerFlightId: null, diverted: true })
    const minutes = [delayMin + 2, delayMin + 62]
    return decided(seenAt(minutes, records), secondAt(minutes, [said]))
  }

  it('decides where 45 minutes either way change nothing', () => {
    expect(diverted(225)).toMatchObject({ outcome: 'PAY', bps: 10_000 })
    expect(diverted(224)).toEqual({ outcome: 'REVIEW', reasons: ['DIVERSION_UNCONFIRMED'] })
  })
})
