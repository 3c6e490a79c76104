import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { cancelPosting } from '../../domain/ledger.ts'
import { currency, minorUnits, type Money } from '../../domain/money.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { arrivedRecord, B6_35, CAPACITY_MINOR, rowOf } from '../support/builders.ts'
import { earlyBook, retimed, timetable, type EarlyBook } from '../support/early-book.ts'
import { QUOTED_AT } from '../support/quote-desk.ts'
import { unguarded } from '../support/unguarded.ts'

const USD = (minor: number): Money => ({ minor: minorUnits(minor), currency: currency('USD') })
const PREMIUM = rowOf(B6_35, 'P1', { premium: '9.99' })

async function stateOf({ db }: EarlyBook) {
  const { rows } = await sql`
    select p.state, p.state_version, e.state as escrow, l.undecided_policies as undecided,
      l.next_poll_at is null as is_unwatched,
      (select balance_minor::text from pool_balance where currency = 'USD') as pool
    from policy p join escrow_reservation e on e.policy_id = p.id
    join flight_leg l on l.id = p.leg_id order by p.policy_number`.execute(db)
  return rows[0]
}

/** Waits until so many sessions wait for a lock that another holds. */
async function waiting({ db }: EarlyBook, sessions: number): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ n: number }>`
      select count(*) as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    if ((rows[0]?.n ?? 0) >= sessions) return
  }
}

describe('a holder who cancels', () => {
  test('gets the premium back, and the pool its reservation', async () => {
    await using it = await earlyBook([PREMIUM])
    expect(await it.cancel('P1')).toEqual({
      kind: 'cancelled',
      isNew: true,
      policyNumber: 'P1',
      refundMinor: 999,
      currency: 'USD',
    })
    expect(await stateOf(it)).toEqual({
      state: 'CANCELLED_BY_HOLDER',
      state_version: 2,
      escrow: 'RELEASED',
      undecided: 0,
      is_unwatched: true,
      pool: String(CAPACITY_MINOR),
    })
    const { rows } = await sql<{ id: string }>`select id from policy`.execute(it.db)
    const expected = cancelPosting({
      policyId: rows[0]?.id ?? '',
      reserved: USD(25_000),
      premium: USD(999),
      effectiveAt: QUOTED_AT,
    })
    const posted = await sql`
      select t.ref, g.source, g.destination,
        json_build_object('minor', g.amount_minor, 'currency', g.currency) as amount
      from ledger_posting g join ledger_transaction t on t.id = g.transaction_id
      where t.kind = 'cancel' order by g.id`.execute(it.db)
    expect(posted.rows).toEqual(expected.postings.map((one) => ({ ref: expected.ref, ...one })))
    const audit = await sql`select actor, action, subject, details from audit_event`.execute(it.db)
    expect(audit.rows).toEqual([
      {
        actor: 'user:test',
        action: 'policy.cancel',
        subject: 'policy:P1',
        details: { reason: 'ill', refundMinor: 999, currency: 'USD' },
      },
    ])
    expect(await it.verify()).toEqual({ breaks: [] })
  })

  test('again changes nothing', async () => {
    await using it = await earlyBook([PREMIUM])
    await it.cancel('P1')
    const before = await stateOf(it)
    expect(await it.cancel('P1')).toMatchObject({ kind: 'cancelled', isNew: false })
    expect(await stateOf(it)).toEqual(before)
    expect(await it.verify()).toEqual({ breaks: [] })
  })

  test('ten times at once cancels once', async () => {
    await using it = await earlyBook([PREMIUM])
    const done = await Promise.all(Array.from({ length: 10 }, () => it.cancel('P1')))
    expect(done.filter((one) => one.kind === 'cancelled' && one.isNew)).toHaveLength(1)
    expect(await it.verify()).toEqual({ breaks: [] })
  })

  test('leaves the leg watched for the others', async () => {
    await using it = await earlyBook([PREMIUM, rowOf(B6_35, 'P2')])
    await it.cancel('P1')
    expect(await stateOf(it)).toMatchObject({ undecided: 1, is_unwatched: false })
  })

  test('without a known premium gets nothing back', async () => {
    await using it = await earlyBook([rowOf(B6_35, 'P1')])
    expect(await it.cancel('P1')).toMatchObject({ kind: 'cancelled', refundMinor: null })
    expect(await it.verify()).toEqual({ breaks: [] })
  })

  test('makes room on the leg for others', async () => {
    await using it = await earlyBook([rowOf(B6_35, 'P1', { sum_insured: '99900.00' })])
    expect(await it.bind(await it.quoteId())).toMatchObject({ kind: 'declined' })
    await it.cancel('P1')
    expect(await it.bind(await it.quoteId())).toMatchObject({ kind: 'bound' })
    expect(await it.verify()).toEqual({ breaks: [] })
  })

  test('of a policy that is not there says so', async () => {
    await using it = await earlyBook([PREMIUM])
    expect(await it.cancel('P9')).toEqual({ kind: 'no-policy' })
  })
})

describe('the cut-off', () => {
  test('is a day before departure: a millisecond earlier is in time', async () => {
    await using it = await earlyBook([PREMIUM, rowOf(B6_35, 'P2')])
    it.clock.set(addMs(B6_35.scheduledOut, -24 * HOUR_MS - 1))
    expect(await it.cancel('P1')).toMatchObject({ kind: 'cancelled' })
    it.clock.pass(1)
    const late = await it.cancel('P2')
    expect(late).toMatchObject({ kind: 'refused', refusal: { code: 'TOO_LATE' } })
    expect(await it.verify()).toEqual({ breaks: [] })
  })

  test('is the departure itself once a retime offered a refund, though the leg is watched', async () => {
    await using it = await earlyBook([PREMIUM, rowOf(B6_35, 'P2')])
    it.show(retimed(61))
    await it.pollAt(-30 * HOUR_MS)
    const { scheduledOut } = timetable(61)
    it.clock.set(addMs(scheduledOut, -30 * MINUTE_MS))
    await it.poll()
    it.clock.set(addMs(scheduledOut, -1))
    expect(await it.cancel('P1')).toMatchObject({ kind: 'cancelled', refundMinor: 999 })
    it.clock.pass(1)
    const late = await it.cancel('P2')
    expect(late).toMatchObject({ kind: 'refused', refusal: { code: 'TOO_LATE' } })
    await it.poll()
    expect((await it.policies()).map(({ state }) => state)).toEqual([
      'CANCELLED_BY_HOLDER',
      'MONITORING',
    ])
  })

  test('moves with a small retime', async () => {
    await using it = await earlyBook([PREMIUM])
    it.show(retimed(60))
    await it.pollAt(-30 * HOUR_MS)
    it.clock.set(addMs(B6_35.scheduledOut, -23 * HOUR_MS - 1))
    expect(await it.cancel('P1')).toMatchObject({ kind: 'cancelled' })
  })

  test('does not matter for a policy that is watched already', async () => {
    await using it = await earlyBook([PREMIUM])
    await it.pollAt(-HOUR_MS)
    expect(await it.cancel('P1')).toMatchObject({
      kind: 'refused',
      refusal: { code: 'NOT_CANCELLABLE' },
    })
  })
})

describe('a cancellation that races a decision', () => {
  /** A leg whose arrival is settled and that nobody decided; the policy could still be cancelled. */
  async function decidable(): Promise<EarlyBook> {
    const it = await earlyBook([PREMIUM])
    it.show(arrivedRecord(B6_35, 60))
    await it.pollAt(4 * HOUR_MS + MINUTE_MS)
    await it.pollAt(6 * HOUR_MS)
    // Nothing in the product leads here: the first answer about a flight that arrived ends the time to cancel.
    await unguarded(it.db, (trx) => sql`update policy set state = 'BOUND'`.execute(trx))
    return it
  }

  // The lock of the tests lets evaluations refer to the leg and holds back whoever changes it.
  const cancelEarly = async (it: EarlyBook) => {
    const now = await it.clock.now()
    it.clock.set(QUOTED_AT)
    const cancelled = it.cancel('P1')
    it.clock.set(now)
    return await cancelled
  }

  test('and comes first leaves nothing to decide', async () => {
    await using it = await decidable()
    const holder = it.db.transaction().execute(async (trx) => {
      await sql`select id from flight_leg for no key update`.execute(trx)
      const cancelled = cancelEarly(it)
      await waiting(it, 1)
      const decided = it.decide()
      await waiting(it, 2)
      return { cancelled, decided }
    })
    const { cancelled, decided } = await holder
    const outcome = [await cancelled, await decided]
    expect(outcome[0]).toMatchObject({ kind: 'cancelled', isNew: true })
    expect(outcome[1]).toMatchObject({ policiesPaid: 0, payoutsCreated: 0 })
    expect(await stateOf(it)).toMatchObject({ state: 'CANCELLED_BY_HOLDER', undecided: 0 })
    expect(await it.verify()).toEqual({ breaks: [] })
  })

  test('and comes second is refused', async () => {
    await using it = await decidable()
    const holder = it.db.transaction().execute(async (trx) => {
      await sql`select id from flight_leg for no key update`.execute(trx)
      const decided = it.decide()
      await waiting(it, 1)
      const cancelled = cancelEarly(it)
      // Both in the lock's queue: whoever comes when it is free already could overtake.
      await waiting(it, 2)
      return { decided, cancelled }
    })
    const { cancelled, decided } = await holder
    expect(await decided).toMatchObject({ policiesPaid: 1, payoutsCreated: 1 })
    expect(await cancelled).toMatchObject({
      kind: 'refused',
      refusal: { code: 'NOT_CANCELLABLE' },
    })
    expect(await stateOf(it)).toMatchObject({ state: 'TRIGGERED', undecided: 0 })
    expect(await it.verify()).toEqual({ breaks: [] })
  })
})
