import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createExplanationSource } from '../../db/stores/explanation-source.ts'
import { readMessage } from '../../db/stores/notification-messages.ts'
import { createNotificationStore } from '../../db/stores/notification-store.ts'
import { createPersonKeys } from '../../db/stores/person-keys.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { composeMessage } from '../../operations/compose-message.ts'
import { arrivedRecord, B6_35, recordOf, rowOf } from '../support/builders.ts'
import { earlyBook, retimed, timetable, type EarlyBook } from '../support/early-book.ts'

const ROWS = [rowOf(B6_35, 'P1'), rowOf(B6_35, 'P2', { product: 'FD180' })]
const DAY_AHEAD = -24 * HOUR_MS

async function endorsements({ db }: EarlyBook) {
  const { rows } = await sql`
    select p.policy_number as number, e.n, e.old_scheduled_in as from, e.new_scheduled_in as to,
      e.announced_at, e.refund_offered
    from endorsement e join policy p on p.id = e.policy_id
    order by p.policy_number, e.n`.execute(db)
  return rows
}

async function legSchedule({ db }: EarlyBook) {
  const { rows } = await sql`select scheduled_out, scheduled_in from flight_leg`.execute(db)
  return rows[0]
}

describe('a retime that is announced', () => {
  test('a day before departure changes what all policies of the leg insure', async () => {
    await using it = await earlyBook(ROWS)
    it.show(retimed(30))
    expect(await it.pollAt(DAY_AHEAD)).toMatchObject({ polled: 1, retimed: 1 })
    const { scheduledOut, scheduledIn } = timetable(30)
    for (const policy of await it.policies()) {
      expect(policy).toMatchObject({
        state: 'BOUND',
        out: scheduledOut,
        in: scheduledIn,
        cover_end: addMs(scheduledIn, 24 * HOUR_MS),
      })
    }
    expect(await legSchedule(it)).toEqual({
      scheduled_out: scheduledOut,
      scheduled_in: scheduledIn,
    })
    const row = {
      n: 1,
      from: B6_35.scheduledIn,
      to: scheduledIn,
      announced_at: addMs(B6_35.scheduledOut, DAY_AHEAD),
      refund_offered: false,
    }
    expect(await endorsements(it)).toEqual([
      { number: 'P1', ...row },
      { number: 'P2', ...row },
    ])
    expect(await it.verify()).toEqual({ breaks: [] })
  })

  test('a millisecond later is a delay: nothing changes, however often it is seen', async () => {
    await using it = await earlyBook(ROWS)
    const before = await it.policies()
    it.show(retimed(90))
    expect(await it.pollAt(DAY_AHEAD + 1)).toMatchObject({ retimed: 0 })
    expect(await it.pollAt(-20 * HOUR_MS)).toMatchObject({ retimed: 0 })
    expect(await it.policies()).toEqual(before)
    expect(await endorsements(it)).toEqual([])
    expect(await legSchedule(it)).toMatchObject({ scheduled_in: B6_35.scheduledIn })
  })

  test('is endorsed once, however often it is seen', async () => {
    await using it = await earlyBook(ROWS)
    it.show(retimed(30))
    await it.pollAt(-30 * HOUR_MS)
    expect(await it.pollAt(-29 * HOUR_MS)).toMatchObject({ retimed: 0 })
    expect(await endorsements(it)).toHaveLength(2)
  })

  test('again is endorsed again, back to the first schedule too', async () => {
    await using it = await earlyBook(ROWS.slice(0, 1))
    it.show(retimed(30))
    await it.pollAt(-40 * HOUR_MS)
    it.show(recordOf(B6_35))
    await it.pollAt(-35 * HOUR_MS)
    expect(await endorsements(it)).toMatchObject([
      { n: 1, from: B6_35.scheduledIn },
      { n: 2, to: B6_35.scheduledIn },
    ])
    expect(await it.policies()).toMatchObject([{ in: B6_35.scheduledIn }])
  })

  test('by an hour offers no refund, by a minute more it does', async () => {
    await using it = await earlyBook(ROWS.slice(0, 1))
    it.show(retimed(60))
    await it.pollAt(-40 * HOUR_MS)
    it.show(retimed(60, 61))
    await it.pollAt(-35 * HOUR_MS)
    expect(await endorsements(it)).toMatchObject([
      { refund_offered: false },
      { refund_offered: true },
    ])
  })

  test('to an earlier departure offers a refund as well', async () => {
    await using it = await earlyBook(ROWS.slice(0, 1))
    it.show(retimed(-61))
    await it.pollAt(-40 * HOUR_MS)
    expect(await endorsements(it)).toMatchObject([{ refund_offered: true }])
  })

  test('has the next polls planned for the new departure', async () => {
    await using it = await earlyBook(ROWS.slice(0, 1))
    it.show(retimed(180))
    await it.pollAt(-30 * HOUR_MS)
    const { rows } = await sql`select next_poll_at from flight_leg`.execute(it.db)
    expect(rows).toEqual([{ next_poll_at: addMs(timetable(180).scheduledOut, -24.25 * HOUR_MS) }])
  })

  test('before a policy was bound by the old timetable reaches that policy too', async () => {
    await using it = await earlyBook(ROWS.slice(0, 1))
    it.show(retimed(30))
    await it.pollAt(-40 * HOUR_MS)
    await it.import([rowOf(B6_35, 'P3')])
    expect(await it.pollAt(-39 * HOUR_MS)).toMatchObject({ retimed: 1 })
    expect(await it.pollAt(-38 * HOUR_MS)).toMatchObject({ retimed: 0 })
    const { scheduledIn } = timetable(30)
    expect((await it.policies()).map((policy) => policy.in)).toEqual([scheduledIn, scheduledIn])
    expect(await endorsements(it)).toHaveLength(2)
  })

  test('of a leg that is reported cancelled changes nothing', async () => {
    await using it = await earlyBook(ROWS)
    it.show({ ...retimed(90), cancelled: true })
    expect(await it.pollAt(-30 * HOUR_MS)).toMatchObject({ retimed: 0 })
    expect(await endorsements(it)).toEqual([])
  })

  test.each([
    ['arrives before it departs', timetable(30, -200)],
    ['lies in the past', timetable(-31 * 60)],
  ])('and %s is not believed', async (_what, schedule) => {
    await using it = await earlyBook(ROWS)
    it.show(recordOf(B6_35, schedule))
    await it.pollAt(-30 * HOUR_MS)
    expect(await endorsements(it)).toEqual([])
  })

  test('leaves a cancelled policy and one bound with the new schedule alone', async () => {
    await using it = await earlyBook(ROWS)
    await it.cancel('P2')
    const schedule = timetable(30)
    it.flightData.timetable.set('B6|35|JFK|PBI|2013-03-09', [{ ...B6_35, ...schedule }])
    await it.import([rowOf(B6_35, 'P3')])
    it.show(retimed(30))
    await it.pollAt(-30 * HOUR_MS)
    expect(await endorsements(it)).toMatchObject([{ number: 'P1' }])
    expect(await it.policies()).toMatchObject([
      { number: 'P1', in: schedule.scheduledIn },
      { number: 'P2', in: B6_35.scheduledIn },
      { number: 'P3', in: schedule.scheduledIn },
    ])
  })
})

describe('the decision', () => {
  test.each([
    ['pays by the endorsed arrival', -30 * HOUR_MS, 'NO_PAY'],
    ['pays by the first arrival when the change came late', -20 * HOUR_MS, 'PAY'],
  ])('%s', async (_what, seenMs, outcome) => {
    await using it = await earlyBook(ROWS.slice(0, 1))
    it.show(retimed(30))
    await it.pollAt(seenMs)
    // 60 minutes after the first arrival, 30 after the new one; FD45 pays from 45 on.
    it.show({ ...arrivedRecord(B6_35, 60), ...timetable(30) })
    await it.pollAt(4 * HOUR_MS + MINUTE_MS)
    await it.pollAt(6 * HOUR_MS)
    await it.decide()
    const { rows } = await sql`select outcome from policy`.execute(it.db)
    expect(rows).toEqual([{ outcome }])
    expect(await it.verify()).toEqual({ breaks: [] })
  })
})

describe('the schema', () => {
  test('lets no insured schedule move without its endorsement', async () => {
    await using it = await earlyBook(ROWS)
    it.show(retimed(30))
    await it.pollAt(-30 * HOUR_MS)
    const changes = [
      "insured_scheduled_in = insured_scheduled_in + interval '1 minute'",
      "insured_scheduled_out = insured_scheduled_out - interval '30 minutes'",
    ]
    for (const change of changes) {
      await expect(sql`update policy set ${sql.raw(change)}`.execute(it.db)).rejects.toThrow(
        'update refused without its endorsement',
      )
    }
  })

  test('keeps endorsements for good, and none that came too late', async () => {
    await using it = await earlyBook(ROWS.slice(0, 1))
    it.show(retimed(30))
    await it.pollAt(-30 * HOUR_MS)
    await expect(sql`delete from endorsement`.execute(it.db)).rejects.toThrow('append-only')
    await expect(sql`update endorsement set refund_offered = true`.execute(it.db)).rejects.toThrow(
      'append-only',
    )
    const late = sql`
      insert into endorsement
      select policy_id, 2, leg_id, new_scheduled_out, new_scheduled_in, old_scheduled_out,
        old_scheduled_in, new_scheduled_out - interval '23 hours', false
      from endorsement`
    await expect(late.execute(it.db)).rejects.toThrow('endorsement_check')
  })
})

describe('the watch begins', () => {
  const stateAfterPoll = async (fromOutMs: number, cancelled = false) => {
    await using it = await earlyBook(ROWS.slice(0, 1))
    it.show(recordOf(B6_35, { cancelled }))
    await it.pollAt(fromOutMs)
    const [policy] = await it.policies()
    return policy?.state
  }

  test('two hours before departure, not a millisecond earlier', async () => {
    expect(await stateAfterPoll(-2 * HOUR_MS - 1)).toBe('BOUND')
    expect(await stateAfterPoll(-2 * HOUR_MS)).toBe('MONITORING')
  })

  test('with the first report of a cancellation, however early', async () => {
    expect(await stateAfterPoll(-40 * HOUR_MS, true)).toBe('MONITORING')
  })
})

describe('what holders are told of a retime', () => {
  async function noticesOf({ db }: EarlyBook) {
    await createNotificationStore(db, null).queueFacts(100)
    const { rows } = await sql<{ id: string; template: string }>`
      select n.id, n.template from notification n join policy p on p.id = n.policy_id
      where n.template in ('policy-endorsed', 'policy-cancelled')
      order by p.policy_number, n.created_at, n.template`.execute(db)
    return await Promise.all(
      rows.map(async ({ id, template }) => {
        const message = await readMessage({ db, keys: createPersonKeys(null) }, id)
        if (message === null) throw new Error('no message')
        const told = await composeMessage({ explanations: createExplanationSource(db) }, message)
        return { template, text: told?.text ?? null }
      }),
    )
  }
  const premium = (number: string) => rowOf(B6_35, number, { premium: '9.99' })

  test('every holder once for each retime: the new arrival, the old one and the refund', async () => {
    await using it = await earlyBook([premium('P1'), premium('P2')])
    it.show(retimed(61))
    await it.pollAt(-40 * HOUR_MS)
    await it.pollAt(-39 * HOUR_MS)
    const notices = await noticesOf(it)
    expect(notices.map(({ template }) => template)).toEqual(['policy-endorsed', 'policy-endorsed'])
    expect(notices[0]?.text).toMatch(/Insured arrival: .* instead of /)
    expect(notices[0]?.text).toContain('you may cancel the policy until departure')
    it.show(retimed(90))
    await it.pollAt(-35 * HOUR_MS)
    expect(await noticesOf(it)).toHaveLength(4)
  })

  test('a holder who cancels then is told of the premium, and no more of the timetable', async () => {
    await using it = await earlyBook([premium('P1')])
    it.show(retimed(61))
    await it.pollAt(-40 * HOUR_MS)
    await it.cancel('P1')
    expect(await noticesOf(it)).toMatchObject([
      { template: 'policy-cancelled', text: expect.stringContaining('USD 9.99') },
      { template: 'policy-endorsed', text: null },
    ])
  })

  test('a retime that is a delay tells nothing', async () => {
    await using it = await earlyBook([premium('P1')])
    it.show(retimed(90))
    await it.pollAt(DAY_AHEAD + 1)
    expect(await noticesOf(it)).toEqual([])
  })
})
