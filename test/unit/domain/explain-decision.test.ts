import { describe, expect, it } from 'vitest'

import { decide } from '../../../domain/decision.ts'
import {
  explainDecision,
  type DecisionExplanation,
  type ExplainInput,
} from '../../../domain/explain-decision.ts'
import type { LegFacts, WatchedLeg } from '../../../domain/leg-facts.ts'
import { emptyFacts } from '../../../domain/leg-facts.ts'
import { currency, minorUnits, shareOf } from '../../../domain/money.ts'
import { coverEnd } from '../../../domain/policy.ts'
import { addMs, HOUR_MS, MINUTE_MS, parseInstant, type Instant } from '../../../domain/time.ts'
import { LEG, product } from './legs.ts'

const SUM = minorUnits(25_000)
const USD = currency('USD')
const EVALUATION_ID = '5a0f0c2e-0000-5000-8000-000000000001'

type Case = {
  readonly facts: LegFacts
  readonly leg?: WatchedLeg
  readonly code?: string
  readonly change?: Partial<ExplainInput>
}

/** What the rules say about these facts two days later, explained. */
function explained({ facts, leg = LEG, code = 'FD45', change = {} }: Case): DecisionExplanation {
  const rules = product(code)
  const insuredScheduledIn = leg.scheduledIn
  const now = addMs(insuredScheduledIn, 48 * HOUR_MS)
  const decision = decide({ leg, facts, insuredScheduledIn, product: rules, now })
  if (decision.outcome === 'NOT_YET') throw new Error('the facts are not settled')
  const isReview = decision.outcome === 'REVIEW'
  const bps = decision.outcome === 'PAY' ? decision.bps : 0
  const amount = { minor: shareOf(SUM, bps), currency: USD }
  return explainDecision({
    policyNumber: 'P-1',
    state: isReview ? 'IN_REVIEW' : bps > 0 ? 'TRIGGERED' : 'MONITORING',
    marketingIdent: null,
    sumInsured: { minor: SUM, currency: USD },
    insuredScheduledIn,
    endorsement: null,
    refund: null,
    coverEnd: coverEnd(insuredScheduledIn),
    product: rules,
    leg,
    decision: isReview
      ? null
      : { outcome: bps > 0 ? 'PAY' : 'NO_PAY', bps, amount, decidedAt: now },
    evaluation: {
      evaluationId: EVALUATION_ID,
      outcome: decision.outcome,
      delayMin: isReview ? null : decision.delayMin,
      reasons: decision.reasons,
      facts,
      evaluatedAt: now,
      sources: ['aeroapi'],
    },
    paidAt: null,
    appeals: [],
    ...change,
  })
}

/** Seen from the minute after it happened until two hours later. */
function seenFrom(value: Instant) {
  const firstSeenAt = addMs(value, MINUTE_MS)
  const lastSeenAt = addMs(value, 121 * MINUTE_MS)
  return { firstSeenAt, lastSeenAt }
}

function reportedAt(value: Instant) {
  return { value, runValue: value, valueSeenAt: addMs(value, MINUTE_MS), ...seenFrom(value) }
}

function arrivedAt(value: Instant): LegFacts {
  const arrival = reportedAt(value)
  return { ...emptyFacts(), lastAnswerAt: arrival.lastSeenAt, arrival }
}

function late(minutes: number, seconds = 0, leg: WatchedLeg = LEG): LegFacts {
  return arrivedAt(addMs(leg.scheduledIn, minutes * MINUTE_MS + seconds * 1_000))
}

function legTo(zone: string, destination: string, scheduledIn: string): WatchedLeg {
  const at = parseInstant(scheduledIn)
  return {
    ...LEG,
    identity: { ...LEG.identity, destination },
    destinationZone: zone,
    scheduledOut: addMs(at, -3 * HOUR_MS),
    scheduledIn: at,
  }
}

const textOf = (explanation: DecisionExplanation) => explanation.text.join('\n')

describe('a delay', () => {
  it('of 44 minutes missed the rule by 1 minute', () => {
    const explanation = explained({ facts: late(44) })
    expect(explanation).toMatchObject({
      outcome: 'NOT_PAID',
      delayMin: 44,
      rule: { kind: 'DELAY', thresholdMin: 45, isMet: false, marginMin: 1 },
    })
    expect(textOf(explanation)).toContain(
      'Product FD45 pays from a delay of 45 minutes at the destination, counted in whole minutes; ' +
        'that was missed by 1 minute.',
    )
  })

  it('of 45 minutes met it exactly', () => {
    const explanation = explained({ facts: late(45) })
    expect(explanation).toMatchObject({
      outcome: 'TO_BE_PAID',
      delayMin: 45,
      rule: { kind: 'DELAY', thresholdMin: 45, isMet: true, marginMin: 0, bps: 3_000 },
      amount: { minor: 7_500, text: '75.00 USD' },
    })
    expect(textOf(explanation)).toContain(
      'A delay of 45 minutes was reached exactly; product FD45 pays 30% of the 250.00 USD insured, ' +
        '75.00 USD.',
    )
  })

  it('of 44 minutes 59 seconds is told with its seconds and as 44 minutes', () => {
    const explanation = explained({ facts: late(44, 59) })
    expect(explanation).toMatchObject({ outcome: 'NOT_PAID', delayMin: 44 })
    expect(textOf(explanation)).toContain('13:44:59 (America/New_York, UTC-05:00; 18:44:59 UTC)')
  })

  it.each([
    [119, 45, 74],
    [120, 120, 0],
    [179, 120, 59],
    [180, 180, 0],
  ])('of %i minutes rests on the tier of %i, %i above it', (delay, thresholdMin, marginMin) => {
    expect(explained({ facts: late(delay) }).rule).toMatchObject({ thresholdMin, marginMin })
  })

  it('is told as early, on time or late', () => {
    expect(textOf(explained({ facts: late(-1) }))).toContain(': 1 minute early.')
    expect(textOf(explained({ facts: late(0) }))).toContain(': on time.')
    expect(textOf(explained({ facts: late(2) }))).toContain(': 2 minutes late.')
  })

  it('counted from a touch-down says so', () => {
    const value = addMs(LEG.scheduledIn, 200 * MINUTE_MS)
    const landing = { ...reportedAt(value), lastSeenAt: addMs(value, 7 * HOUR_MS) }
    const facts = { ...emptyFacts(), lastAnswerAt: landing.lastSeenAt, landing }
    const explanation = explained({ facts })
    expect(explanation).toMatchObject({ delayMin: 200, actualArrival: { kind: 'TOUCH_DOWN' } })
    expect(textOf(explanation)).toContain('never reported; it touched down on Friday 8 February')
  })
})

describe('local times', () => {
  it('of an overnight arrival carry their own days, in UTC as well', () => {
    const leg = legTo('America/Los_Angeles', 'LAX', '2013-02-09T07:30:00Z')
    const explanation = explained({ facts: late(50, 0, leg), leg })
    expect(explanation.insuredArrival).toMatchObject({ local: '2013-02-08T23:30' })
    expect(explanation.actualArrival).toMatchObject({ local: '2013-02-09T00:20' })
    expect(textOf(explanation)).toContain(
      'insured arrival Friday 8 February 2013, 23:30 (America/Los_Angeles, UTC-08:00; 07:30 on ' +
        'Saturday 9 February 2013 UTC)',
    )
    expect(textOf(explanation)).toContain('on Saturday 9 February 2013, 00:20')
  })

  it('across the spring change show both offsets and count real minutes', () => {
    const leg = legTo('America/New_York', 'JFK', '2013-03-10T06:30:00Z')
    const explanation = explained({ facts: late(45, 0, leg), leg })
    expect(explanation).toMatchObject({
      insuredArrival: { local: '2013-03-10T01:30', utcOffset: '-05:00' },
      actualArrival: { local: '2013-03-10T03:15', utcOffset: '-04:00' },
      delayMin: 45,
    })
    expect(textOf(explanation)).toContain('clocks there were moved in between')
  })

  it('across the autumn change do not become an early arrival', () => {
    const leg = legTo('America/New_York', 'JFK', '2013-11-03T05:50:00Z')
    const explanation = explained({ facts: late(44, 0, leg), leg })
    expect(explanation).toMatchObject({
      insuredArrival: { local: '2013-11-03T01:50', utcOffset: '-04:00' },
      actualArrival: { local: '2013-11-03T01:34', utcOffset: '-05:00' },
      delayMin: 44,
      outcome: 'NOT_PAID',
    })
  })

  it('on a day without a change say nothing of clocks', () => {
    expect(textOf(explained({ facts: late(45) }))).not.toContain('clocks')
  })

  it.each([
    ['Asia/Kolkata', '2013-02-08T23:30', '+05:30'],
    ['Pacific/Honolulu', '2013-02-08T08:00', '-10:00'],
    ['Europe/London', '2013-02-08T18:00', '+00:00'],
    ['Pacific/Chatham', '2013-02-09T07:45', '+13:45'],
  ])('are those of %s', (zone, local, utcOffset) => {
    const leg = legTo(zone, 'XXX', '2013-02-08T18:00:00Z')
    const { insuredArrival } = explained({ facts: late(10, 0, leg), leg })
    expect(insuredArrival).toMatchObject({ local, utcOffset, zone, utc: leg.scheduledIn })
  })
})

describe('a flight that never arrived', () => {
  const seen = {
    firstSeenAt: addMs(LEG.scheduledOut, -HOUR_MS),
    lastSeenAt: addMs(LEG.scheduledIn, 25 * HOUR_MS),
  }
  const base = { ...emptyFacts(), lastAnswerAt: seen.lastSeenAt }
  const diversion = {
    ...seen,
    airport: 'MCO',
    landedAt: LEG.scheduledIn,
    isContinuing: false,
    isUnclear: false,
  }

  it('because it was cancelled is paid as cancelled', () => {
    const explanation = explained({ facts: { ...base, cancelled: seen } })
    expect(explanation).toMatchObject({
      outcome: 'TO_BE_PAID',
      actualArrival: null,
      delayMin: null,
      rule: { kind: 'CANCELLED', thresholdMin: null, isMet: true },
      amount: { minor: 25_000 },
    })
    expect(textOf(explanation)).toContain(
      'The flight was cancelled and not flown. For that product',
    )
    expect(textOf(explanation)).toContain(
      '(source: aeroapi): cancelled, first seen 2013-02-08 14:00',
    )
  })

  it('because it was diverted is paid as not reached', () => {
    const explanation = explained({ facts: { ...base, diversion } })
    expect(explanation.rule).toMatchObject({ kind: 'NOT_REACHED', isMet: true })
    expect(textOf(explanation)).toContain('diverted to MCO, first seen')
  })

  it('and whose diversion is unclear is with a person, and says why', () => {
    const facts = { ...base, diversion: { ...diversion, isUnclear: true } }
    const explanation = explained({ facts })
    expect(explanation).toMatchObject({ outcome: 'IN_REVIEW', rule: null, amount: null })
    expect(explanation.text[0]).toContain(
      'the reports differ on whether it came to its destination',
    )
  })
})

describe('a policy', () => {
  it('without a decision says until when the flight is watched', () => {
    const change = { state: 'MONITORING', decision: null, evaluation: null } as const
    const explanation = explained({ facts: late(45), change })
    expect(explanation).toMatchObject({ outcome: 'OPEN', observed: [], decidedAt: null })
    expect(explanation.text[0]).toContain('until Saturday 9 February 2013, 13:00')
  })

  it('that was paid says when', () => {
    const paidAt = parseInstant('2013-02-11T08:00:00Z')
    const explanation = explained({ facts: late(45), change: { state: 'PAID', paidAt } })
    expect(explanation.outcome).toBe('PAID')
    expect(explanation.text[0]).toBe(
      'Policy P-1 pays 75.00 USD. The money was sent on 2013-02-11 (UTC).',
    )
  })

  it('tells which arrival was insured before the timetable changed, and that a refund was offered', () => {
    const endorsement = {
      oldScheduledOut: addMs(LEG.scheduledOut, -70 * MINUTE_MS),
      oldScheduledIn: addMs(LEG.scheduledIn, -70 * MINUTE_MS),
      newScheduledOut: LEG.scheduledOut,
      newScheduledIn: LEG.scheduledIn,
      announcedAt: addMs(LEG.scheduledOut, -40 * HOUR_MS),
      isRefundOffered: true,
    }
    const told = explained({ facts: late(44), change: { endorsement } })
    expect(told).toMatchObject({
      outcome: 'NOT_PAID',
      delayMin: 44,
      arrivalBeforeRetime: { local: '2013-02-08T11:50' },
    })
    expect(told.text[2]).toMatch(/changed its timetable on 2013-02-06 .* in place of Friday/)
    expect(told.text[2]).toContain('cancelled until departure')
    const small = { ...endorsement, isRefundOffered: false }
    const { text } = explained({ facts: late(44), change: { endorsement: small } })
    expect(text[2]).not.toContain('cancelled until departure')
    expect(explained({ facts: late(44) }).text.join(' ')).not.toContain('timetable')
  })

  it('of a policy that its holder cancelled tells the premium that went back, if there is one', () => {
    const change = { state: 'CANCELLED_BY_HOLDER', decision: null, evaluation: null } as const
    const refund = { minor: minorUnits(999), currency: USD }
    const headline = (told: Partial<ExplainInput>) =>
      explained({ facts: late(45), change: { ...change, ...told } }).text[0]
    expect(headline({ refund })).toContain('The premium of 9.99 USD was given back.')
    expect(headline({})).not.toContain('premium')
  })

  it.each(['DECLINED', 'CANCELLED_BY_HOLDER'] as const)('%s has no cover', (state) => {
    const change = { state, decision: null, evaluation: null }
    expect(explained({ facts: late(45), change })).toMatchObject({ outcome: 'NO_COVER' })
  })

  it('that a person decided does not claim a rule of the product', () => {
    const decision = {
      outcome: 'NO_PAY',
      bps: 0,
      amount: { minor: minorUnits(0), currency: USD },
      decidedAt: LEG.scheduledIn,
    } as const
    const explanation = explained({ facts: late(45), change: { decision, state: 'EXPIRED' } })
    expect(explanation.rule).toMatchObject({ kind: 'PERSON', thresholdMin: null })
    expect(explanation.rule?.text).toContain('nothing is paid')
  })

  const filedAt = addMs(LEG.scheduledIn, 50 * HOUR_MS)
  const open = { filedAt, result: null, grounds: null, more: null, decidedAt: null } as const

  it('that is appealed says what stands until a person has looked, and how appeals ended', () => {
    const stood = { ...open, result: 'STANDS', grounds: 'data right', decidedAt: filedAt } as const
    const { outcome, text } = explained({ facts: late(44), change: { appeals: [stood, open] } })
    expect(outcome).toBe('IN_REVIEW')
    expect(text[0]).toContain('what was decided before stands: it does not pay for this flight')
    expect(text.join(' ')).toContain('the decision stands. The reason: data right')
    expect(text.at(-2)).toContain('is looked at by a person')
    const more = { minor: minorUnits(17_500), currency: USD }
    const won = { ...stood, result: 'UPHELD', more } as const
    const after = explained({ facts: late(45), change: { appeals: [won], state: 'PAID' } })
    expect(after.outcome).not.toBe('IN_REVIEW')
    expect(after.text.join(' ')).toContain('175.00 USD more is paid. The reason: data right')
  })

  it('names the last day of an appeal, counted from the decision by the days of the product', () => {
    const last = addMs(LEG.scheduledIn, (48 + 60 * 24) * HOUR_MS).slice(0, 10)
    const door = (change: Partial<ExplainInput>) =>
      explained({ facts: late(44), change }).text.at(-2)
    expect(door({})).toContain(`you may appeal until the end of ${last} (UTC)`)
    const short = { ...product('FD45'), reopenDays: 1 }
    const next = addMs(LEG.scheduledIn, 72 * HOUR_MS).slice(0, 10)
    expect(door({ product: short })).toContain(`until the end of ${next} (UTC)`)
    expect(door({ state: 'TRIGGERED' })).toContain('once the payment is made you may appeal')
    expect(door({ decision: null })).toContain('Once this is decided you may appeal for 60 days')
    expect(door({ state: 'DECLINED', decision: null })).not.toContain('appeal')
  })

  it('always says where to appeal and that the airline owes its own', () => {
    const { text } = explained({ facts: late(44) })
    expect(text.at(-2)).toContain(`the decision reference ${EVALUATION_ID}`)
    expect(text.at(-1)).toMatch(/261\/2004.*Department of Transportation/)
  })
})
