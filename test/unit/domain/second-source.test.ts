/** When a second source is asked, and what it adds to a cancellation and to a flight a day late. */
import { describe, expect, it } from 'vitest'

import { decideBySources, shouldAskSecond } from '../../../domain/decide-by-sources.ts'
import {
  arrivalPlus,
  arrived,
  departurePlus,
  HOURS,
  product,
  record,
  seenAt,
  type Answer,
} from './legs.ts'
import type { Product } from '../../../domain/product.ts'
import { decided, inputOf, secondAt, type SecondAnswer } from './second.ts'

describe('a cancellation of two sources', () => {
  const cancelled = [record({ cancelled: true })]
  const other = [record({ providerFlightId: null, cancelled: true })]
  const before = departurePlus(-300)

  it('pays half an hour after the departure is over, not a minute before', () => {
    const at = (minute: number) =>
      decided(
        [
          [before, cancelled],
          [departurePlus(minute), cancelled],
        ],
        [[departurePlus(minute), other]],
      )
    expect(at(29)).toMatchObject({ outcome: 'NOT_YET', decidableAt: departurePlus(30) })
    expect(at(30)).toEqual({
      outcome: 'PAY',
      bps: 10_000,
      delayMin: null,
      reasons: ['CANCELLED', 'SOURCES_AGREE'],
    })
  })

  it('must have lasted for half an hour', () => {
    const at = (minute: number) =>
      decided(
        [
          [departurePlus(60), cancelled],
          [departurePlus(minute), cancelled],
        ],
        [[departurePlus(minute), other]],
      )
    expect(at(89).outcome).toBe('NOT_YET')
    expect(at(90).outcome).toBe('PAY')
  })

  it('waits for the departure that is expected now, if that is later', () => {
    const delayed = [record({ cancelled: true, estimatedOut: departurePlus(100) })]
    const at = (minute: number) =>
      decided(
        [
          [before, delayed],
          [departurePlus(minute), delayed],
        ],
        [[departurePlus(minute), other]],
      )
    expect(at(129).outcome).toBe('NOT_YET')
    expect(at(130).outcome).toBe('PAY')
  })

  it('is slow once the flight has left the gate', () => {
    const pushedBack = [record({ cancelled: true, actualOut: departurePlus(5) })]
    const decision = decided(
      [
        [departurePlus(40), pushedBack],
        [departurePlus(100), pushedBack],
      ],
      [[departurePlus(100), other]],
    )
    expect(decision).toMatchObject({ outcome: 'NOT_YET', decidableAt: arrivalPlus(3 * HOURS) })
  })

  it('that the second does not see is slow', () => {
    const decision = decided(
      [
        [before, cancelled],
        [departurePlus(60), cancelled],
      ],
      [[departurePlus(60), [record({ providerFlightId: null })]]],
    )
    expect(decision).toMatchObject({ outcome: 'NOT_YET', decidableAt: arrivalPlus(3 * HOURS) })
  })

  it('is held against a second source that saw the flight leave', () => {
    const flying = record({ providerFlightId: null, actualOut: departurePlus(5) })
    const first = seenAt([-300, 3 * HOURS], cancelled)
    expect(decided(first, secondAt([3 * HOURS], [flying]))).toMatchObject({
      outcome: 'NOT_YET',
      reasons: ['SOURCES_CONFLICT'],
    })
  })
})

describe('a day late', () => {
  const expected = (minutes: number) => [
    record({ actualOff: departurePlus(60), estimatedIn: arrivalPlus(minutes) }),
  ]
  const day = 24 * HOURS

  it('and still expected by both sources pays the top tier', () => {
    expect(decided(seenAt([day], expected(day + 30)), secondAt([day], expected(day + 40)))).toEqual(
      { outcome: 'PAY', bps: 10_000, delayMin: null, reasons: ['NOT_AT_GATE', 'SOURCES_AGREE'] },
    )
  })

  it('a minute before the end of cover is waited for', () => {
    const minutes = day - 1
    const decision = decided(
      seenAt([minutes], expected(day + 30)),
      secondAt([minutes], expected(day + 40)),
    )
    expect(decision.outcome).toBe('NOT_YET')
  })

  it.each([
    ['an expectation that has passed', expected(day - 1)],
    ['no record', []],
    ['no answer', null],
  ])('%s of the second source is silence, not evidence', (_, records) => {
    const decision = decided(seenAt([day], expected(day + 30)), secondAt([day], records))
    expect(decision).toEqual({ outcome: 'REVIEW', reasons: ['NO_FINAL_DATA'] })
  })
})

describe('the second source is asked', () => {
  const asks = (first: readonly Answer[], answers: readonly SecondAnswer[] = []) =>
    shouldAskSecond(inputOf(first, answers))

  it.each([
    [-1, false],
    [0, true],
    [44, true],
    [45, true],
    [300, true],
  ])('about an arrival %i minutes late: %s', (delayMin, isAsked) => {
    expect(asks(seenAt([delayMin + 1], [arrived(delayMin)]))).toBe(isAsked)
  })

  it('once per answer of the first', () => {
    const first = seenAt([92], [arrived(90)])
    expect(asks(first, secondAt([92], null))).toBe(false)
    expect(asks([...first, ...seenAt([107], [arrived(90)])], secondAt([92], null))).toBe(true)
  })

  it('not while the flight is under way, nor before a cancellation can be confirmed', () => {
    expect(asks(seenAt([-30], [record({ actualOff: departurePlus(20) })]))).toBe(false)
    const cancelled = [record({ cancelled: true })]
    expect(asks([[departurePlus(-100), cancelled]])).toBe(false)
    expect(
      asks([
        [departurePlus(-100), cancelled],
        [departurePlus(30), cancelled],
      ]),
    ).toBe(true)
  })

  it('never when there is none', () => {
    const input = inputOf(seenAt([92, 107], [arrived(90)]), [])
    expect(shouldAskSecond({ ...input, second: null })).toBe(false)
    expect(decideBySources({ ...input, second: null })).toEqual({
      outcome: 'PAY',
      bps: 3_000,
      delayMin: 90,
      reasons: ['ARRIVED', 'TIER_MET'],
    })
  })
})

describe('with an early top tier', () => {
  const rules = { ...product('FD45'), earlyTopTier: true }
  const expected = (minutes: number) => [
    record({ actualOff: departurePlus(60), estimatedIn: arrivalPlus(minutes) }),
  ]
  const at = (
    minute: number,
    first = expected(240),
    second = expected(250),
    said: Product = rules,
  ) => decideBySources(inputOf(seenAt([minute], first), secondAt([minute], second), said))

  it('a flight that both still expect pays at the minute of the top tier, not one before', () => {
    expect(at(179)).toMatchObject({ outcome: 'NOT_YET', decidableAt: arrivalPlus(180) })
    expect(at(180)).toEqual({
      outcome: 'PAY',
      bps: 10_000,
      delayMin: null,
      reasons: ['NOT_AT_GATE', 'SOURCES_AGREE'],
    })
  })

  it('waits without it, without the second source, and while one of them no longer expects it', () => {
    expect(at(180, expected(240), expected(250), product('FD45')).outcome).toBe('NOT_YET')
    expect(at(180, expected(240), []).outcome).toBe('NOT_YET')
    expect(at(180, expected(180)).outcome).toBe('NOT_YET')
    const alone = { ...inputOf(seenAt([180], expected(240)), [], rules), second: null }
    expect(decideBySources(alone).outcome).toBe('NOT_YET')
  })

  it('waits where a cancellation would pay less than the tier', () => {
    expect(at(180, expected(240), expected(250), { ...rules, cancelBps: 5_000 }).outcome).toBe(
      'NOT_YET',
    )
  })

  it('asks the second source from that minute on, not before', () => {
    const asked = (minute: number) =>
      shouldAskSecond(inputOf(seenAt([minute], expected(240)), [], rules))
    expect([asked(179), asked(180)]).toEqual([false, true])
  })
})
