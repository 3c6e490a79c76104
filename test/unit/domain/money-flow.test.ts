import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  account,
  bindPosting,
  cancelPosting,
  capitalPosting,
  earnPosting,
  expirePosting,
  failPosting,
  ledgerRef,
  paidPosting,
  returnPosting,
  submitPosting,
  triggerPosting,
  type LedgerTransaction,
} from '../../../domain/ledger.ts'
import { currency, minorUnits, type Money } from '../../../domain/money.ts'
import {
  canMovePayout,
  idempotencyKey,
  isMoneyCommitted,
  PAYOUT_TRANSITIONS,
  type PayoutState,
} from '../../../domain/payout.ts'
import {
  canMovePolicy,
  coverEnd,
  POLICY_TRANSITIONS,
  stateAfter,
  type PolicyState,
} from '../../../domain/policy.ts'
import { parseInstant } from '../../../domain/time.ts'

const AT = parseInstant('2013-02-09T12:00:00Z')

function usd(minor: number): Money {
  return { minor: minorUnits(minor), currency: currency('USD') }
}

/** Every account's balance after these transactions. */
function balances(transactions: readonly LedgerTransaction[]): Map<string, number> {
  const result = new Map<string, number>()
  const add = (name: string, minor: number) => result.set(name, (result.get(name) ?? 0) + minor)
  for (const { postings } of transactions) {
    for (const { source, destination, amount } of postings) {
      add(source, -amount.minor)
      add(destination, amount.minor)
    }
  }
  return result
}

const POLICY = { policyId: 'p1', effectiveAt: AT }
const ATTEMPT = { ...POLICY, payoutId: 'x1', provider: 'stripe' }
const LIFE = [
  capitalPosting({ id: 'seed', amount: usd(1_000_00), effectiveAt: AT }),
  bindPosting({ ...POLICY, reserved: usd(250_00) }),
]

describe('the ledger', () => {
  it('sends what is owed to the holder and returns the rest of the reservation', () => {
    const amount = usd(75_00)
    const after = balances([
      ...LIFE,
      triggerPosting({ ...POLICY, payoutId: 'x1', reserved: usd(250_00), amount }),
      submitPosting({ ...ATTEMPT, n: 1, amount }),
      failPosting({ ...ATTEMPT, n: 1, amount }),
      submitPosting({ ...ATTEMPT, n: 2, amount }),
      paidPosting({ ...ATTEMPT, n: 2, amount }),
    ])
    expect(Object.fromEntries(after)).toEqual({
      [account.capital]: -1_000_00,
      [account.poolAvailable()]: 925_00,
      [account.escrow('p1')]: 0,
      [account.payable('p1')]: 0,
      [account.inFlight('stripe')]: 0,
      [account.holder]: 75_00,
    })
  })

  const premium = usd(9_99)

  it('holds a premium unearned until the policy ends, and then as revenue', () => {
    const bound = bindPosting({ ...POLICY, reserved: usd(250_00), premium })
    expect(balances([bound]).get(account.unearned)).toBe(9_99)
    const after = balances([bound, earnPosting({ ...POLICY, premium })])
    expect(after.get(account.unearned)).toBe(0)
    expect(after.get(account.revenue)).toBe(9_99)
    expect(after.get(account.receivable)).toBe(-9_99)
  })

  it('gives a premium back when the holder cancels', () => {
    const after = balances([
      bindPosting({ ...POLICY, reserved: usd(250_00), premium }),
      cancelPosting({ ...POLICY, reserved: usd(250_00), premium }),
    ])
    expect([...after.values()]).toEqual([0, 0, 0, 0])
  })

  it('moves no premium where there is none', () => {
    expect(bindPosting({ ...POLICY, reserved: usd(1), premium: usd(0) }).postings).toHaveLength(1)
    expect(bindPosting({ ...POLICY, reserved: usd(1) }).postings).toHaveLength(1)
  })

  it('makes returned money payable again', () => {
    const amount = usd(75_00)
    const posting = returnPosting({ ...ATTEMPT, n: 1, amount }).postings[0]
    expect(posting).toEqual({ source: account.holder, destination: account.payable('p1'), amount })
  })

  it.each([expirePosting, cancelPosting])('gives the whole reservation back: %#', (posting) => {
    const after = balances([...LIFE, posting({ ...POLICY, reserved: usd(250_00) })])
    expect(after.get(account.poolAvailable())).toBe(1_000_00)
    expect(after.get(account.escrow('p1'))).toBe(0)
  })

  it('splits every reservation without losing or making a cent', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (reserved, share) => {
          const amount = Math.max(1, Math.floor(reserved * share))
          const { postings } = triggerPosting({
            ...POLICY,
            payoutId: 'x1',
            reserved: usd(reserved),
            amount: usd(amount),
          })
          const left = postings.reduce((sum, posting) => sum + posting.amount.minor, 0)
          expect(left).toBe(reserved)
          expect(postings.every((posting) => posting.amount.minor > 0)).toBe(true)
          expect(postings.every(({ source }) => source === account.escrow('p1'))).toBe(true)
        },
      ),
    )
  })

  it('refuses to owe more than was reserved, nothing at all, or another currency', () => {
    const trigger = (reserved: Money, amount: Money) =>
      triggerPosting({ ...POLICY, payoutId: 'x1', reserved, amount })
    expect(() => trigger(usd(100), usd(101))).toThrow(RangeError)
    expect(trigger(usd(100), usd(100)).postings).toHaveLength(1)
    expect(() => trigger(usd(100), usd(0))).toThrow(RangeError)
    const yen = { minor: minorUnits(1), currency: currency('JPY') }
    expect(() => trigger(usd(100), yen)).toThrow(RangeError)
  })

  it('refers to every event by a name of its own', () => {
    const refs = [
      ledgerRef.bind('p1'),
      ledgerRef.expire('p1'),
      ledgerRef.cancel('p1'),
      ledgerRef.capital('p1'),
      ledgerRef.earn('p1'),
      ledgerRef.trigger('x1'),
      ledgerRef.submit('x1', 1),
      ledgerRef.submit('x1', 2),
      ledgerRef.paid('x1', 1),
      ledgerRef.fail('x1', 1),
      ledgerRef.return('x1', 1),
    ]
    expect(new Set(refs).size).toBe(refs.length)
  })
})

describe('a payout', () => {
  it('has a key of its own for each attempt', () => {
    expect(idempotencyKey('x1', 1)).toBe('po_x1_1')
    expect(idempotencyKey('x1', 2)).toBe('po_x1_2')
    expect(() => idempotencyKey('x1', 0)).toThrow(RangeError)
    expect(() => idempotencyKey('x1', 1.5)).toThrow(RangeError)
  })

  it('is cancelled only while no money is under way', () => {
    for (const from of Object.keys(PAYOUT_TRANSITIONS) as PayoutState[]) {
      if (isMoneyCommitted(from)) expect(canMovePayout(from, 'CANCELLED')).toBe(false)
    }
    expect(canMovePayout('CREATED', 'CANCELLED')).toBe(true)
  })

  it('is never submitted without an approval', () => {
    const before = (Object.keys(PAYOUT_TRANSITIONS) as PayoutState[]).filter((from) =>
      canMovePayout(from, 'SUBMITTED'),
    )
    expect(before).toEqual(['APPROVED'])
  })
})

describe('a policy', () => {
  it('goes where its decision says', () => {
    expect(stateAfter({ outcome: 'PAY', bps: 1, delayMin: 1, reasons: [] })).toBe('TRIGGERED')
    expect(stateAfter({ outcome: 'REVIEW', reasons: [] })).toBe('IN_REVIEW')
    expect(stateAfter({ outcome: 'NO_PAY', delayMin: 1, reasons: [] })).toBeNull()
    expect(stateAfter({ outcome: 'NOT_YET', decidableAt: null, reasons: [] })).toBeNull()
  })

  it('is paid only after it was triggered, and again only where an appeal stands', () => {
    const before = (Object.keys(POLICY_TRANSITIONS) as PolicyState[]).filter((from) =>
      canMovePolicy(from, 'PAID'),
    )
    expect(before).toEqual(['TRIGGERED', 'IN_REVIEW'])
  })

  it('never comes back from a cancellation by the holder', () => {
    expect(POLICY_TRANSITIONS.CANCELLED_BY_HOLDER).toEqual([])
  })

  it('is covered to 24 hours after the insured arrival', () => {
    expect(coverEnd(AT)).toBe('2013-02-10T12:00:00.000Z')
  })
})
