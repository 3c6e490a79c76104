import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { cancellableUntil, cancellationRefusal } from '../../../domain/cancellation.ts'
import { emptyFacts, type LegFacts } from '../../../domain/leg-facts.ts'
import { minorUnits } from '../../../domain/money.ts'
import { POLICY_TRANSITIONS, type PolicyState } from '../../../domain/policy.ts'
import { amountsOf } from '../../../domain/quote.ts'
import { announcedRetime } from '../../../domain/retime.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../../domain/time.ts'
import {
  clusterRefusal,
  DEFAULT_UNDERWRITING,
  factsRefusal,
  leadRefusal,
  scheduleRefusal,
  sumRefusal,
} from '../../../domain/underwriting.ts'
import { B6_35 } from '../../support/builders.ts'
import { departurePlus, HOURS, LEG, product } from './legs.ts'

const TERMS = DEFAULT_UNDERWRITING
const OUT = LEG.scheduledOut

function facts(change: Partial<LegFacts>): LegFacts {
  return { ...emptyFacts(), ...change }
}

describe('the lead time', () => {
  it.each([
    [-24 * HOURS, null],
    [-24 * HOURS + 1, 'LEAD_TOO_SHORT'],
    [1, 'LEAD_TOO_SHORT'],
    [-330 * 24 * HOURS, null],
    [-330 * 24 * HOURS - 1, 'LEAD_TOO_LONG'],
  ])('at %i minutes is %s', (minutes, code) => {
    expect(leadRefusal(OUT, TERMS, departurePlus(minutes))?.code ?? null).toBe(code)
  })
})

describe('the sum insured', () => {
  it.each([
    [100_000, null],
    [100_001, 'SUM_TOO_LARGE'],
    [2, null],
    [1, 'SUM_TOO_SMALL'],
  ])('%i is %s', (sum, code) => {
    expect(sumRefusal(minorUnits(sum), product('FD45'), TERMS)?.code ?? null).toBe(code)
  })
})

describe('what is known of a leg', () => {
  const seen = { firstSeenAt: OUT, lastSeenAt: OUT }
  const instant = { ...seen, value: OUT, valueSeenAt: OUT, runValue: OUT }

  it.each<[string | null, Partial<LegFacts>]>([
    [null, {}],
    [null, { estimatedOut: departurePlus(14), estimatedIn: addMs(LEG.scheduledIn, 0) }],
    [null, { missing: seen }],
    ['LEG_CANCELLED', { cancelled: seen }],
    ['LEG_DELAYED', { estimatedOut: departurePlus(15) }],
    ['LEG_DELAYED', { estimatedIn: addMs(LEG.scheduledIn, 15 * MINUTE_MS) }],
    ['LEG_DEPARTED', { actualOut: OUT }],
    ['LEG_DEPARTED', { actualOff: OUT }],
    ['LEG_DEPARTED', { landing: instant }],
    ['LEG_DEPARTED', { arrival: instant }],
    ['LEG_UNCLEAR', { ambiguous: seen }],
  ])('is %s: %j', (code, change) => {
    expect(factsRefusal(LEG, facts(change))?.code ?? null).toBe(code)
  })
})

describe('the timetable', () => {
  it.each([
    [null, {}],
    ['SCHEDULE_CHANGED', { scheduledOut: addMs(B6_35.scheduledOut, MINUTE_MS) }],
    ['SCHEDULE_CHANGED', { scheduledIn: addMs(B6_35.scheduledIn, MINUTE_MS) }],
    ['SCHEDULE_CHANGED', { carrier: 'AA' }],
    ['SCHEDULE_UNVERIFIED', { isTimeUnverified: true }],
  ])('is %s when it shows %j', (code, change) => {
    expect(scheduleRefusal({ ...B6_35, ...change }, B6_35)?.code ?? null).toBe(code)
  })
})

describe('the limit of a leg', () => {
  it('is kept whatever is sold in whatever order', () => {
    const sums = fc.array(fc.integer({ min: 1, max: 500 }).map(minorUnits), { maxLength: 60 })
    fc.assert(
      fc.property(sums, fc.integer({ min: 1, max: 3_000 }), (wanted, clusterLimitMinor) => {
        const terms = { ...TERMS, clusterLimitMinor }
        let insured = 0n
        for (const sum of wanted) {
          const fits = insured + BigInt(sum) <= BigInt(clusterLimitMinor)
          expect(clusterRefusal(insured, sum, terms) === null).toBe(fits)
          if (fits) insured += BigInt(sum)
        }
        expect(insured <= BigInt(clusterLimitMinor)).toBe(true)
      }),
    )
  })

  it('is told with what is left, never less than nothing', () => {
    const sum = minorUnits(1)
    expect(clusterRefusal(20_000_000n, sum, TERMS)?.reason).toContain(': 0 minor units')
  })
})

describe('what a quote pays', () => {
  it('is at most the sum insured, and more for a longer delay', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }).map(minorUnits), (sum) => {
        const { tiers, cancelledMinor } = amountsOf(product('FD45'), sum)
        const amounts = tiers.map(({ amountMinor }) => amountMinor)
        expect(amounts).toEqual(amounts.toSorted((a, b) => b - a))
        expect(amounts[0]).toBe(sum)
        expect(cancelledMinor).toBe(sum)
      }),
    )
  })
})

describe('a retime', () => {
  const moved = {
    scheduledOut: departurePlus(30),
    scheduledIn: addMs(LEG.scheduledIn, 30 * MINUTE_MS),
  }
  const at = (minutes: number, change: Partial<LegFacts> = {}) =>
    announcedRetime(LEG, facts({ ...moved, ...change }), departurePlus(minutes))

  it('a day ahead is endorsed, a minute later it is a delay', () => {
    expect(at(-24 * HOURS)).toEqual(moved)
    expect(at(-24 * HOURS + 1)).toBeNull()
  })

  it('is one for a policy that was bound by an older timetable', () => {
    const now = departurePlus(-48 * HOURS)
    const same = facts({ scheduledOut: LEG.scheduledOut, scheduledIn: LEG.scheduledIn })
    expect(announcedRetime(LEG, same, now, [LEG.scheduledIn])).toBeNull()
    expect(announcedRetime(LEG, same, now, [moved.scheduledIn])).not.toBeNull()
  })

  it('is none when the timetable is the same, half known, impossible, or of a cancelled leg', () => {
    const { scheduledOut, scheduledIn } = LEG
    expect(at(-48 * HOURS, { scheduledOut, scheduledIn })).toBeNull()
    expect(at(-48 * HOURS, { scheduledOut: null })).toBeNull()
    expect(at(-48 * HOURS, { scheduledIn: null })).toBeNull()
    expect(at(-48 * HOURS, { scheduledIn: moved.scheduledOut })).toBeNull()
    expect(at(-48 * HOURS, { scheduledOut: departurePlus(-48 * HOURS) })).toBeNull()
    expect(at(-48 * HOURS, { cancelled: { firstSeenAt: OUT, lastSeenAt: OUT } })).toBeNull()
  })
})

describe('a cancellation by the holder', () => {
  const policy = (state: PolicyState, isRefundOffered = false, outcome: 'PAY' | null = null) => ({
    state,
    outcome,
    insuredScheduledOut: OUT,
    isRefundOffered,
    terms: TERMS,
  })

  it('is possible before the cut-off, or before departure once a refund was offered', () => {
    expect(cancellableUntil(policy('BOUND'))).toBe(addMs(OUT, -24 * HOUR_MS))
    expect(cancellableUntil(policy('BOUND', true))).toBe(OUT)
    expect(cancellationRefusal(policy('BOUND', true), addMs(OUT, -1))).toBeNull()
    expect(cancellationRefusal(policy('BOUND', true), OUT)?.code).toBe('TOO_LATE')
  })

  it('is possible exactly where the table of moves has it', () => {
    for (const state of Object.keys(POLICY_TRANSITIONS) as PolicyState[]) {
      const isLegal = POLICY_TRANSITIONS[state].includes('CANCELLED_BY_HOLDER')
      const refusal = cancellationRefusal(policy(state), addMs(OUT, -48 * HOUR_MS))
      expect(refusal === null, state).toBe(isLegal)
    }
  })

  it('is not possible once it is decided', () => {
    const decided = policy('BOUND', false, 'PAY')
    expect(cancellationRefusal(decided, addMs(OUT, -48 * HOUR_MS))?.code).toBe('NOT_CANCELLABLE')
  })
})
