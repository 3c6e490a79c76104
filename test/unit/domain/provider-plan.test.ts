/** What answers to a probe say of a key's plan, and when it is found out again. */
import { describe, expect, test } from 'vitest'

import type { ProviderFailure } from '../../../domain/ports/flight-data-provider.ts'
import {
  findingOf,
  planAfter,
  probeAgainMs,
  UNKNOWN_PLAN,
  type PlanVerdict,
  type ProviderPlan,
} from '../../../domain/provider-plan.ts'
import { DAY_MS, HOUR_MS } from '../../../domain/time.ts'
import { failure } from '../../support/builders.ts'

const finding = (verdict: PlanVerdict) => ({
  verdict,
  reason: verdict === 'allowed' ? null : `it is ${verdict}`,
})

/** A plan of verdicts, all allowed unless told otherwise. */
function planOf(change: Partial<Record<keyof ProviderPlan, PlanVerdict>> = {}): ProviderPlan {
  const { present = 'allowed', past = 'allowed', future = 'allowed' } = change
  return { present: finding(present), past: finding(past), future: finding(future) }
}

describe('an answer', () => {
  test('with rows or without any says that the product is included', () => {
    const answer = { ok: true, value: [], httpStatus: 200, payloadSha256: '', units: 1 } as const
    expect(findingOf(answer)).toEqual({ verdict: 'allowed', reason: null })
  })

  test('that the plan is too small says that it is not, in the service’s words', () => {
    const refusal = { ...failure('AUTH'), isPlanRefusal: true }
    expect(findingOf(refusal)).toEqual({ verdict: 'refused', reason: 'the fake says AUTH' })
  })

  test.each<ProviderFailure['kind']>([
    ...(['AUTH', 'QUOTA', 'THROTTLED', 'UNAVAILABLE', 'MALFORMED', 'BAD_REQUEST'] as const),
  ])('of the kind %s says nothing of the plan', (kind) => {
    expect(findingOf(failure(kind)).verdict).toBe('unknown')
  })
})

describe('after a probe', () => {
  test('what an outage hid is as it was known before', () => {
    const before = planOf({ past: 'refused' })
    const found = planOf({ past: 'unknown', future: 'unknown' })
    expect(planAfter(before, found)).toEqual(before)
  })

  test('what was found out replaces what was known, in both directions', () => {
    const found = planOf({ future: 'refused' })
    expect(planAfter(planOf({ past: 'refused' }), found)).toEqual(found)
  })

  test('what was never found out stays unknown, for the newest reason', () => {
    expect(planAfter(UNKNOWN_PLAN, planOf({ past: 'unknown' })).past.reason).toBe('it is unknown')
    expect(planAfter(null, planOf({ past: 'unknown' })).past.verdict).toBe('unknown')
  })
})

describe('the next probe', () => {
  test('comes after a week when everything is known, refused or not', () => {
    expect(probeAgainMs(planOf())).toBe(7 * DAY_MS)
    expect(probeAgainMs(planOf({ past: 'refused', future: 'refused' }))).toBe(7 * DAY_MS)
  })

  test('comes after a day when the plan includes no flights', () => {
    expect(probeAgainMs(planOf({ present: 'refused' }))).toBe(DAY_MS)
  })

  test('comes after an hour when something could not be found out', () => {
    expect(probeAgainMs(planOf({ present: 'refused', past: 'unknown' }))).toBe(HOUR_MS)
  })
})
