import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { emptyFacts, foldAnswer, type LegFacts } from '../../../domain/leg-facts.ts'
import { packLegIdentity, type PackLeg } from '../../../domain/leg-pack.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { viewLeg } from '../../../domain/simulation/provider-view.ts'
import { HOUR_MS, instantFromMs, MINUTE_MS, toMs, type Instant } from '../../../domain/time.ts'
import { arrivalPlus, arrived, departurePlus, factsAfter, LEG, record, seenAt } from './legs.ts'

describe('facts', () => {
  it('are plain JSON', () => {
    const facts = factsAfter(seenAt([12, 30], [arrived(10)]))
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts)
    expect(JSON.parse(JSON.stringify(emptyFacts()))).toEqual(emptyFacts())
  })

  it('leave out an answer older than the newest', () => {
    const facts = factsAfter(seenAt([12, 30], [arrived(10)]))
    const folded = foldAnswer(facts, LEG, [record({ cancelled: true })], arrivalPlus(29))
    expect(folded.facts).toBe(facts)
    expect(folded.flags).toEqual(['OUT_OF_ORDER'])
  })

  it('trap 20: take no notice of an old snapshot: in the air is not at the gate again', () => {
    const flying = record({ actualOut: departurePlus(5), actualOff: departurePlus(20) })
    const answers = [...seenAt([-120], [flying]), ...seenAt([-100], [record()])]
    expect(factsAfter(answers)).toMatchObject({ actualOff: departurePlus(20) })
    const { flags } = foldAnswer(
      factsAfter(seenAt([-120], [flying])),
      LEG,
      [record()],
      arrivalPlus(-100),
    )
    expect(flags).toEqual(['STALE'])
  })

  it('withdraw the departure when the aircraft returned to its gate', () => {
    const answers = [
      ...seenAt([-170], [record({ actualOut: departurePlus(5) })]),
      ...seenAt([-150], [record()]),
    ]
    expect(factsAfter(answers).actualOut).toBeNull()
  })

  it('flag a retimed leg and keep the insured times apart', () => {
    const retimed = record({ scheduledIn: arrivalPlus(90) })
    const { facts, flags } = foldAnswer(emptyFacts(), LEG, [retimed], arrivalPlus(-600))
    expect(flags).toEqual(['SCHEDULE_CHANGED'])
    expect(facts.scheduledIn).toBe(arrivalPlus(90))
    expect(foldAnswer(facts, LEG, [retimed], arrivalPlus(-500)).flags).toEqual([])
  })

  it.each([
    [[record()], 'SCHEDULED'],
    [[record({ actualOut: departurePlus(1) })], 'OUT'],
    [[record({ actualOff: departurePlus(20) })], 'AIRBORNE'],
    [[record({ actualOff: departurePlus(20), actualOn: arrivalPlus(0) })], 'LANDED'],
    [[arrived(0)], 'ARRIVED'],
    [[record({ cancelled: true })], 'CANCEL_REPORTED'],
    [[record({ actualOff: departurePlus(20), diverted: true })], 'DIVERTING'],
    [[], 'UNKNOWN'],
  ] as [ProviderLeg[], string][])('tell the phase: %#', (records, phase) => {
    expect(foldAnswer(emptyFacts(), LEG, records, arrivalPlus(1)).phase).toBe(phase)
  })
})

const ZONES = {
  JFK: 'America/New_York',
  PBI: 'America/New_York',
  MCO: 'America/New_York',
  SJU: 'America/Puerto_Rico',
}

const packLegs: fc.Arbitrary<PackLeg> = fc
  .record({
    status: fc.constantFrom('A', 'C', 'R', 'D'),
    departureDelayMin: fc.integer({ min: -30, max: 1_300 }),
    gainMin: fc.integer({ min: -40, max: 120 }),
    blockMin: fc.integer({ min: 50, max: 700 }),
    quarter: fc.integer({ min: 0, max: 96 * 180 }),
  })
  .map(({ status, departureDelayMin, gainMin, blockMin, quarter }) => {
    const scheduledOutMs = Date.parse('2013-01-01T05:00:00Z') + quarter * 15 * MINUTE_MS
    const hasArrived = status === 'A' || status === 'R'
    return {
      carrier: 'B6',
      flightNumber: '35',
      origin: 'JFK',
      destination: 'PBI',
      scheduledOutMs,
      scheduledInMs: scheduledOutMs + blockMin * MINUTE_MS,
      status,
      departureDelayMin: status === 'C' ? null : departureDelayMin,
      arrivalDelayMin: hasArrived ? departureDelayMin + gainMin : null,
      tailNumber: null,
    }
  })

/** A leg watched at these minutes after departure, as an honest provider shows it. */
function watch(packLeg: PackLeg, minutes: readonly number[], seed: number) {
  const leg = {
    identity: packLegIdentity(packLeg, ZONES),
    originZone: ZONES.JFK,
    destinationZone: ZONES.PBI,
    scheduledOut: instantFromMs(packLeg.scheduledOutMs),
    scheduledIn: instantFromMs(packLeg.scheduledInMs),
  }
  const answers = minutes.map((minute): [Instant, ProviderLeg[]] => {
    const atMs = packLeg.scheduledOutMs + minute * MINUTE_MS
    return [instantFromMs(atMs), viewLeg(packLeg, ZONES, atMs, seed)]
  })
  return { leg, answers }
}

const moments = fc
  .uniqueArray(fc.integer({ min: -46 * 60, max: 40 * 60 }), { minLength: 1, maxLength: 25 })
  .map((minutes) => minutes.toSorted((a, b) => a - b))

describe('folding', () => {
  it('the same answer twice changes nothing', () => {
    fc.assert(
      fc.property(packLegs, moments, fc.nat(), (packLeg, minutes, seed) => {
        const { leg, answers } = watch(packLeg, minutes, seed)
        let facts = emptyFacts()
        for (const [at, records] of answers) {
          facts = foldAnswer(facts, leg, records, at).facts
          expect(foldAnswer(facts, leg, records, at).facts).toEqual(facts)
        }
      }),
    )
  })

  it('a run of equal answers is the same as its first and its last: stored rows replay', () => {
    fc.assert(
      fc.property(packLegs, moments, fc.nat(), (packLeg, minutes, seed) => {
        const { leg, answers } = watch(packLeg, minutes, seed)
        const all = answers.reduce(
          (facts, [at, records]) => foldAnswer(facts, leg, records, at).facts,
          emptyFacts(),
        )
        const ends = answers.filter(([, records], i) => {
          const isSame = (other: number) => {
            const neighbour = answers[other]
            return (
              neighbour !== undefined && JSON.stringify(neighbour[1]) === JSON.stringify(records)
            )
          }
          return !(isSame(i - 1) && isSame(i + 1))
        })
        const replayed = ends.reduce(
          (facts, [at, records]) => foldAnswer(facts, leg, records, at).facts,
          emptyFacts(),
        )
        expect(replayed).toEqual(all)
      }),
    )
  })

  it('does not depend on the order of the records of an answer', () => {
    fc.assert(
      fc.property(packLegs, moments, fc.nat(), (packLeg, minutes, seed) => {
        const { leg, answers } = watch(packLeg, minutes, seed)
        let forward = emptyFacts()
        let backward = emptyFacts()
        for (const [at, records] of answers) {
          forward = foldAnswer(forward, leg, records, at).facts
          backward = foldAnswer(backward, leg, records.toReversed(), at).facts
        }
        expect(backward).toEqual(forward)
      }),
    )
  })

  it('other flights of the number, duplicates and code shares change nothing', () => {
    fc.assert(
      fc.property(packLegs, moments, fc.nat(), (packLeg, minutes, seed) => {
        const { leg, answers } = watch(packLeg, minutes, seed)
        let clean = emptyFacts()
        let noisy = emptyFacts()
        for (const [at, records] of answers) {
          clean = foldAnswer(clean, leg, records, at).facts
          noisy = foldAnswer(noisy, leg, withNoise(records, packLeg, at, seed), at).facts
        }
        expect(noisy).toEqual(clean)
      }),
    )
  })
})

/** As a provider answers for an ident: other days first, then ours twice, sold by others too. */
function withNoise(
  records: readonly ProviderLeg[],
  packLeg: PackLeg,
  at: Instant,
  seed: number,
): ProviderLeg[] {
  const otherDay = (days: number): ProviderLeg[] => {
    const shiftMs = days * 24 * HOUR_MS
    const other: PackLeg = {
      ...packLeg,
      status: 'A',
      departureDelayMin: 0,
      arrivalDelayMin: 200,
      scheduledOutMs: packLeg.scheduledOutMs + shiftMs,
      scheduledInMs: packLeg.scheduledInMs + shiftMs,
    }
    return viewLeg(other, ZONES, toMs(at), seed)
  }
  const sold = records.map((own) => ({
    ...own,
    carrier: 'EI',
    flightNumber: '5035',
    actualIn: null,
  }))
  const elsewhere = records.map((own) => ({
    ...own,
    origin: own.origin === 'JFK' ? 'LGA' : own.origin,
    destination: 'BOS',
    providerFlightId: 'another',
  }))
  return [...otherDay(1), ...sold, ...records, ...records, ...elsewhere, ...otherDay(-1)]
}

describe('what is known', () => {
  it('never shrinks while a provider is honest: an arrival stays', () => {
    fc.assert(
      fc.property(packLegs, moments, fc.nat(), (packLeg, minutes, seed) => {
        const { leg, answers } = watch(packLeg, minutes, seed)
        let facts: LegFacts = emptyFacts()
        for (const [at, records] of answers) {
          const next = foldAnswer(facts, leg, records, at).facts
          if (facts.arrival !== null) expect(next.arrival?.value).toBe(facts.arrival.value)
          if (facts.actualOff !== null) expect(next.actualOff).not.toBeNull()
          if (facts.cancelled !== null) expect(next.cancelled).not.toBeNull()
          facts = next
        }
      }),
    )
  })
})
