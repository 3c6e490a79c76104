import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { emptyFacts, foldAnswer } from '../../../domain/leg-facts.ts'
import { canMoveLeg, LEG_PHASE_TRANSITIONS } from '../../../domain/leg-phase-transitions.ts'
import type { LegPhase } from '../../../domain/leg-phase.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../../domain/time.ts'
import { B6_35, identityOf, recordOf } from '../../support/builders.ts'

const PHASES = Object.keys(LEG_PHASE_TRANSITIONS) as LegPhase[]
const LEG = { ...B6_35, identity: identityOf(B6_35) }

const moment = fc.option(
  fc.integer({ min: -60, max: 30 * 60 }).map((min) => addMs(B6_35.scheduledOut, min * MINUTE_MS)),
  { freq: 2 },
)

const record = fc.record({
  destination: fc.constantFrom('PBI', 'PBI', 'MIA'),
  actualOut: moment,
  actualOff: moment,
  actualOn: moment,
  actualIn: moment,
  cancelled: fc.boolean(),
  diverted: fc.boolean(),
})

/** Any answer that a provider may give, sane or not, and after how long. */
const look = fc.record({
  waitMin: fc.integer({ min: 1, max: 300 }),
  records: fc.array(record, { maxLength: 2 }),
})

describe('the phases of a leg', () => {
  test('follow each other as the table says, whatever a provider shows', () => {
    fc.assert(
      fc.property(fc.array(look, { maxLength: 12 }), (looks) => {
        let facts = emptyFacts()
        let phase: LegPhase = 'SCHEDULED'
        let now = addMs(B6_35.scheduledOut, -2 * HOUR_MS)
        for (const { waitMin, records: shown } of looks) {
          now = addMs(now, waitMin * MINUTE_MS)
          const records = shown.map((change) => recordOf(B6_35, change))
          const next = foldAnswer(facts, LEG, records, now)
          expect(canMoveLeg(phase, next.phase), `${phase} to ${next.phase}`).toBe(true)
          facts = next.facts
          phase = next.phase
        }
      }),
      { numRuns: 2_000 },
    )
  })

  const never = (from: LegPhase) => PHASES.filter((to) => !canMoveLeg(from, to))

  test('never lead from the air back to the ground of the origin, nor to a cancellation', () => {
    expect(never('AIRBORNE').toSorted()).toEqual([
      'CANCELLED',
      'CANCEL_REPORTED',
      'OUT',
      'SCHEDULED',
    ])
  })

  test.each(['LANDED', 'ARRIVED', 'SETTLED'] as const)('never lead from %s back', (from) => {
    expect(never(from).toSorted()).toEqual(['AIRBORNE', 'OUT', 'SCHEDULED'])
  })

  test('lead from UNKNOWN to every phase', () => {
    expect(never('UNKNOWN')).toEqual([])
  })
})
