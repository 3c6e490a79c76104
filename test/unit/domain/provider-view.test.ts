import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { PackLeg } from '../../../domain/leg-pack.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { viewLeg } from '../../../domain/simulation/provider-view.ts'
import { HOUR_MS, instantFromMs, MINUTE_MS, toMs, type Instant } from '../../../domain/time.ts'
import { loadPack } from './real-legs.ts'

const PACK = loadPack('nyc2013-02-storm.legs.txt.gz')
const ACTUAL = ['actualOut', 'actualOff', 'actualOn', 'actualIn'] as const

const someLeg = fc
  .integer({ min: 0, max: PACK.legs.length - 1 })
  .map((i) => PACK.legs[i] ?? first())
const someMinute = fc.integer({ min: -50 * 60, max: 50 * 60 })

function first(): PackLeg {
  const leg = PACK.legs[0]
  if (leg === undefined) throw new Error('the pack is empty')
  return leg
}

function view(leg: PackLeg, minute: number, seed = 1): ProviderLeg[] {
  return viewLeg(leg, PACK.zones, leg.scheduledOutMs + minute * MINUTE_MS, seed)
}

/** The pack's first leg of this kind. */
function ofStatus(status: PackLeg['status'], seed = 0): PackLeg[] {
  return PACK.legs.filter((leg) => leg.status === status).slice(seed, seed + 40)
}

function known(moments: readonly (Instant | null)[]): Instant[] {
  return moments.filter((moment) => moment !== null)
}

describe('a provider shows a leg', () => {
  it('from two days before departure', () => {
    expect(view(first(), -48 * 60 - 1)).toEqual([])
    expect(view(first(), -48 * 60)).toHaveLength(1)
  })

  it('never with an actual time that has not come', () => {
    fc.assert(
      fc.property(someLeg, someMinute, fc.nat(), (leg, minute, seed) => {
        const now = instantFromMs(leg.scheduledOutMs + minute * MINUTE_MS)
        for (const record of view(leg, minute, seed)) {
          for (const field of ACTUAL) expect((record[field] ?? now) <= now).toBe(true)
        }
      }),
    )
  })

  it('with its times in order', () => {
    fc.assert(
      fc.property(someLeg, fc.nat(), (leg, seed) => {
        for (const record of view(leg, 49 * 60, seed)) {
          const moments = known(ACTUAL.map((field) => record[field]))
          expect(moments.toSorted()).toEqual(moments)
        }
      }),
    )
  })

  it('the same way for the same seed', () => {
    fc.assert(
      fc.property(someLeg, someMinute, fc.nat(), (leg, minute, seed) => {
        expect(view(leg, minute, seed)).toEqual(view(leg, minute, seed))
      }),
    )
  })

  it('and takes nothing back that has happened', () => {
    fc.assert(
      fc.property(someLeg, someMinute, fc.nat({ max: 600 }), (leg, minute, more) => {
        const before = view(leg, minute)
        const after = view(leg, minute + more)
        for (const [i, record] of before.entries()) {
          for (const field of ['actualOut', 'actualOff'] as const) {
            if (record[field] !== null) expect(after[i]?.[field]).toBe(record[field])
          }
          if (record.cancelled) expect(after[i]?.cancelled).toBe(true)
        }
      }),
    )
  })
})

describe('in the end a provider shows', () => {
  it('the real arrival of a leg that arrived, within half an hour', () => {
    for (const leg of ofStatus('A')) {
      const arrivalMs = leg.scheduledInMs + (leg.arrivalDelayMin ?? 0) * MINUTE_MS
      const at = (ms: number) => viewLeg(leg, PACK.zones, ms, 1)[0]?.actualIn
      expect(at(arrivalMs - 1)).toBeNull()
      expect(at(arrivalMs + 31 * MINUTE_MS)).toBe(instantFromMs(arrivalMs))
    }
  })

  it('a cancelled leg as cancelled, at the latest an hour after departure', () => {
    for (const leg of ofStatus('C')) {
      expect(view(leg, 61)).toMatchObject([{ cancelled: true, actualOut: null }])
    }
  })

  it('three records of a diverted leg that reached its destination', () => {
    for (const leg of ofStatus('R')) {
      const [planned, elsewhere, onward] = view(leg, 40 * 60)
      expect(planned).toMatchObject({
        diverted: true,
        actualIn: null,
        destination: leg.destination,
      })
      expect(elsewhere?.destination).not.toBe(leg.destination)
      expect(onward).toMatchObject({ destination: leg.destination, origin: elsewhere?.destination })
      const arrivalMs = leg.scheduledInMs + (leg.arrivalDelayMin ?? 0) * MINUTE_MS
      expect(toMs(onward?.actualIn ?? instantFromMs(0))).toBe(arrivalMs)
      expect(planned?.providerFlightId).toBe(elsewhere?.providerFlightId)
    }
  })

  it('a leg that never arrived as landed elsewhere or cancelled after push-back, both occur', () => {
    const kinds = ofStatus('D').map((leg) => {
      const records = view(leg, 40 * 60)
      expect(
        records.every(
          (record) => record.destination !== leg.destination || record.actualIn === null,
        ),
      ).toBe(true)
      return records.length === 2 ? 'elsewhere' : String(records[0]?.cancelled)
    })
    expect(new Set(kinds)).toEqual(new Set(['elsewhere', 'true']))
  })
})

describe('cancellations', () => {
  it('are announced at very different times', () => {
    const lead = ofStatus('C', 100)
      .concat(ofStatus('C', 300))
      .map((leg) => {
        for (let minute = -47 * 60; minute <= 60; minute += 15) {
          if (view(leg, minute)[0]?.cancelled === true) return -minute / 60
        }
        return -1
      })
    expect(Math.max(...lead) * HOUR_MS).toBeGreaterThan(30 * HOUR_MS)
    expect(Math.min(...lead)).toBeLessThan(0)
  })
})
