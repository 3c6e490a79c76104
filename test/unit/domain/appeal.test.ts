/** Which decisions are appealed, and until when. */
import { describe, expect, it } from 'vitest'

import {
  appealableUntil,
  appealRefusal,
  APPEALABLE_STATES,
  type AppealablePolicy,
} from '../../../domain/appeal.ts'
import { POLICY_TRANSITIONS, type PolicyState } from '../../../domain/policy.ts'
import { parseProduct, ProductError } from '../../../domain/product-rules.ts'
import { parseInstant } from '../../../domain/time.ts'
import { product } from './legs.ts'

const DECIDED_AT = parseInstant('2013-02-09T21:30:00Z')
const FD45 = product('FD45')

const refusal = (change: Partial<AppealablePolicy>, now = DECIDED_AT) =>
  appealRefusal(
    {
      state: 'EXPIRED',
      outcome: 'NO_PAY',
      decidedAt: DECIDED_AT,
      product: FD45,
      hasOpenPayout: false,
      openCaseId: null,
      ...change,
    },
    now,
  )?.code ?? null

describe('an appeal', () => {
  it('is taken for 60 days, the last one whole, and not from the next midnight in UTC on', () => {
    expect(appealableUntil(DECIDED_AT, FD45)).toBe('2013-04-11T00:00:00.000Z')
    expect(refusal({}, parseInstant('2013-04-10T23:59:59.999Z'))).toBeNull()
    expect(refusal({}, parseInstant('2013-04-11T00:00:00Z'))).toBe('TOO_LATE')
  })

  it('is taken for as many days as the product says', () => {
    const oneDay = { ...FD45, reopenDays: 1 }
    expect(refusal({ product: oneDay }, parseInstant('2013-02-10T23:59:59.999Z'))).toBeNull()
    expect(refusal({ product: oneDay }, parseInstant('2013-02-11T00:00:00Z'))).toBe('TOO_LATE')
  })

  it('is taken of what is decided and over, and of a denial whose cover still runs', () => {
    const states = Object.keys(POLICY_TRANSITIONS) as PolicyState[]
    expect(states.filter((state) => refusal({ state }) === null).toSorted()).toEqual(
      [...APPEALABLE_STATES].toSorted(),
    )
  })

  it.each([
    [{ outcome: null, decidedAt: null, state: 'MONITORING' }, 'UNDECIDED'],
    [{ outcome: null, decidedAt: null, state: 'DECLINED' }, 'NO_COVER'],
    [{ outcome: null, decidedAt: null, state: 'CANCELLED_BY_HOLDER' }, 'NO_COVER'],
    [{ outcome: 'PAY', state: 'TRIGGERED', hasOpenPayout: true }, 'PAYOUT_OPEN'],
    [{ outcome: 'PAY', state: 'PAID', hasOpenPayout: true }, 'PAYOUT_OPEN'],
    [{ outcome: 'PAY', state: 'IN_REVIEW' }, 'IN_REVIEW'],
    [{ state: 'IN_REVIEW', openCaseId: 'c' }, 'APPEAL_OPEN'],
  ] as const)('of %j is refused as %s', (change, code) => {
    expect(refusal(change)).toBe(code)
  })
})

describe('the days of a product', () => {
  const json = { ...FD45, settle: {} }

  it('are a whole number from 1 to 365, and left out where it says nothing', () => {
    expect(parseProduct(json)).not.toHaveProperty('reopenDays')
    expect(parseProduct({ ...json, reopenDays: 365 })).toMatchObject({ reopenDays: 365 })
    for (const reopenDays of [0, 366, 1.5, '30']) {
      expect(() => parseProduct({ ...json, reopenDays })).toThrow(ProductError)
    }
  })
})
