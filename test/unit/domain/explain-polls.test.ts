import { expect, it } from 'vitest'

import { explainPolls } from '../../../domain/explain-polls.ts'
import type { LegDetails } from '../../../domain/ports/leg-reads.ts'
import { addMs, MINUTE_MS } from '../../../domain/time.ts'
import { LEG } from './legs.ts'

const AT = LEG.scheduledIn

function leg(polls: Partial<LegDetails['polls']> = {}, undecidedPolicies = 3): LegDetails {
  return {
    ...LEG.identity,
    legId: 'leg',
    legKey: 'B6|35|JFK|PBI|2013-02-08',
    seq: 1,
    departureDate: LEG.identity.originLocalDate,
    originZone: LEG.originZone,
    destinationZone: LEG.destinationZone,
    scheduledOut: LEG.scheduledOut,
    scheduledIn: LEG.scheduledIn,
    phase: 'AIRBORNE',
    settledAt: null,
    facts: null,
    polls: {
      nextPollAt: AT,
      phase: 'ARRIVAL',
      reason: 'arrival due',
      greatestGapS: 4_200,
      lastPolledAt: null,
      lastAnsweredAt: addMs(AT, -5 * MINUTE_MS),
      consecutiveFailures: 0,
      ...polls,
    },
    timetable: { nextLookAt: null, looks: [] },
    policies: 3,
    undecidedPolicies,
    exposure: [],
    observations: [],
    evaluations: [],
    coverageIncidents: [],
  }
}

it('is next until its moment, and due from then on', () => {
  const before = explainPolls(leg(), addMs(AT, -1))
  expect(before).toMatchObject({ overdueS: 0, silentS: 299 })
  expect(before.text).toBe(`next at ${AT}: arrival due, to learn when it arrived`)
  expect(explainPolls(leg(), AT)).toMatchObject({ overdueS: 0, silentS: 300 })
  expect(explainPolls(leg(), AT).text).toMatch(/^due since/)
  expect(explainPolls(leg(), addMs(AT, MINUTE_MS)).overdueS).toBe(60)
})

it('tells failures, one and more', () => {
  expect(explainPolls(leg({ consecutiveFailures: 1 }), AT).text).toContain('the last 1 poll failed')
  expect(explainPolls(leg({ consecutiveFailures: 2 }), AT).text).toContain('2 polls failed')
})

it('is not planned without a moment, and not asked without a policy that waits', () => {
  expect(explainPolls(leg({ nextPollAt: null }), AT).text).toMatch(/^not planned/)
  expect(explainPolls(leg({}, 0), AT).text).toMatch(/no policy waits for it$/)
})

it('copes with a phase that it has no words for', () => {
  expect(explainPolls(leg({ phase: 'toString' }), AT).text).toBe(`due since ${AT}: arrival due`)
})
