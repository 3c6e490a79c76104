/** Facts are written with what causes them, and become notifications once. */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createDecisionStore } from '../../db/stores/decision-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createNotificationStore } from '../../db/stores/notification-store.ts'
import { createReviewStore } from '../../db/stores/review-store.ts'
import { addMs, HOUR_MS, MINUTE_MS, parseInstant } from '../../domain/time.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import {
  arrivedRecord,
  B6_35,
  bindRows,
  BOUND_AT,
  fakeFlightData,
  manualClock,
  rowOf,
} from '../support/builders.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  forgetPayments,
  giveBack,
  pay,
  readNotifications,
  saveContacts,
} from '../support/notification-book.ts'
import { makePayoutBook } from '../support/payout-book.ts'

let database: TestDatabase
let store: ReturnType<typeof createNotificationStore>

beforeAll(async () => {
  database = await createTestDatabase()
  store = createNotificationStore(database.db, null)
  await makePayoutBook(database.db, { size: 8, productCode: 'OTHER' })
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(() => forgetPayments(database.db))

async function facts(): Promise<readonly { kind: string; occasion: string }[]> {
  const { rows } = await sql<{ kind: string; occasion: string }>`
    select kind, occasion from notification_fact order by id`.execute(database.db)
  return rows
}

const told = async (): Promise<string[]> =>
  (await readNotifications(database.db)).map(
    ({ template, channel, state, reason }) =>
      `${template} ${channel} ${state}${reason === null ? '' : ` ${reason}`}`,
  )

describe('facts', () => {
  test('of a payment come with the payment, and go with it when it is rolled back', async () => {
    await pay(database.db, 'P1')
    expect((await facts()).map(({ kind }) => kind)).toEqual(['PAID'])
    await expect(
      database.db.transaction().execute(async (trx) => {
        await pay(trx, 'P2')
        throw new Error('the machine dies')
      }),
    ).rejects.toThrow('the machine dies')
    expect(await facts()).toHaveLength(1)
  })

  test('are not written for moves that tell nobody anything', async () => {
    await sql`update payout set state = 'APPROVED', approved_by = 'rule'`.execute(database.db)
    await sql`update payout set state = 'SUBMITTED'`.execute(database.db)
    await sql`update payout set state = 'FAILED'`.execute(database.db)
    expect(await facts()).toEqual([])
  })

  test('of a payment that came back and was made again are three, each of its own', async () => {
    await pay(database.db, 'P1', 'tr_a')
    await giveBack(database.db, 'P1')
    await pay(database.db, 'P1', 'tr_b')
    expect((await facts()).map(({ kind }) => kind)).toEqual(['PAID', 'RETURNED', 'PAID'])
    await store.queueFacts(10)
    expect(await told()).toEqual([
      'payout-paid email SUPPRESSED NO_CONTACT',
      'payout-paid email SUPPRESSED NO_CONTACT',
      'payout-returned email SUPPRESSED NO_CONTACT',
    ])
  })
})

describe('the whole way', () => {
  test('a policy bound now is confirmed, one bound elsewhere is not; a no-pay is told at once', async () => {
    const { db } = database
    const clock = manualClock(BOUND_AT)
    const flightData = fakeFlightData([B6_35])
    const elsewhere = { bound_at: '2013-03-01T00:00:00Z' }
    const rows = [rowOf(B6_35, 'N1'), rowOf(B6_35, 'N2', elsewhere)]
    const bound = await bindRows(db, flightData, clock, rows)
    expect(bound).toMatchObject({ imported: 2, rejected: [] })
    expect(await facts()).toEqual([{ kind: 'BOUND', occasion: '' }])
    flightData.shown.set('B6|35|JFK|PBI|2013-03-09', [arrivedRecord(B6_35, 44)])
    const leg = await sql<{ id: string }>`
      select leg_id as id from policy where policy_number = 'N1'`.execute(db)
    const legIds = leg.rows.map(({ id }) => id)
    for (const sinceMs of [45 * MINUTE_MS, 3 * HOUR_MS]) {
      clock.set(addMs(B6_35.scheduledIn, sinceMs))
      const deps = { legStore: createLegStore(db), flightData, clock }
      await pollLegShard(deps, { legIds, claimedBy: 't' }, { concurrency: 1 })
    }
    await decideLegs({ decisionStore: createDecisionStore(db), clock }, { legIds })
    expect((await facts()).map(({ kind }) => kind)).toEqual(['BOUND', 'NOT_PAID', 'NOT_PAID'])
    await sql`update policy set state = 'EXPIRED' where policy_number = 'N1'`.execute(db)
    expect(await facts()).toHaveLength(3)
  })

  test('a policy that its holder cancelled', async () => {
    const { db } = database
    const rows = [rowOf(B6_35, 'N3', { bound_at: '2013-03-01T00:00:00Z' })]
    await bindRows(db, fakeFlightData([B6_35]), manualClock(BOUND_AT), rows)
    await sql`
      update policy set state = 'CANCELLED_BY_HOLDER' where policy_number = 'N3'`.execute(db)
    expect((await facts()).map(({ kind }) => kind)).toEqual(['CANCELLED'])
  })
})

describe('channels', () => {
  const paid = async (contact: Record<string, unknown>): Promise<string[]> => {
    await saveContacts(database.db, [{ holder_ref: 'acct_1', ...contact }])
    await pay(database.db, 'P1')
    await store.queueFacts(10)
    return told()
  }
  const push = (n: number) => ({
    push_endpoint: `https://push.example.com/${n}`,
    push_p256dh: `B${'A'.repeat(86)}`,
    push_auth: 'A'.repeat(22),
  })

  test('all that the holder wants, each once', async () => {
    expect(await paid({ email: 'a@b.example', phone: '+12025550100', ...push(1) })).toEqual([
      'payout-paid email QUEUED',
      'payout-paid push QUEUED',
      'payout-paid sms QUEUED',
    ])
  })

  test('push to each browser', async () => {
    await saveContacts(database.db, [{ holder_ref: 'acct_1', ...push(1) }])
    expect(await paid(push(2))).toEqual(['payout-paid push QUEUED', 'payout-paid push QUEUED'])
  })

  test('one without an address is suppressed, the others go', async () => {
    expect(await paid({ email: 'a@b.example', channels: 'email|sms|push' })).toEqual([
      'payout-paid email QUEUED',
      'payout-paid push SUPPRESSED NO_ADDRESS',
      'payout-paid sms SUPPRESSED NO_ADDRESS',
    ])
  })

  test('none: the holder wants to be told nothing', async () => {
    expect(await paid({ email: 'a@b.example', channels: 'none' })).toEqual([
      'payout-paid email SUPPRESSED OPTED_OUT',
    ])
  })

  test("the language is the holder's", async () => {
    await paid({ email: 'a@b.example', locale: 'de' })
    expect((await readNotifications(database.db)).map(({ locale }) => locale)).toEqual(['de'])
  })
})

describe('once', () => {
  test('two sweeps at once take different facts, and a fact twice over is one notification', async () => {
    for (const n of [1, 2, 3, 4, 5]) await pay(database.db, `P${n}`)
    await sql`
      insert into notification_fact (kind, policy_id, payout_id, occasion)
      select kind, policy_id, payout_id, occasion from notification_fact`.execute(database.db)
    const sweeps = await Promise.all([store.queueFacts(100), store.queueFacts(100)])
    await store.queueFacts(100)
    expect(sweeps.reduce((sum, { queued }) => sum + queued, 0)).toBe(5)
    expect(await told()).toHaveLength(5)
    expect(await facts()).toEqual([])
  })

  test('a page takes as many as it is told, the oldest first', async () => {
    for (const n of [1, 2, 3]) await pay(database.db, `P${n}`)
    expect(await store.queueFacts(2)).toEqual({ facts: 2, queued: 2, suppressed: 2 })
    expect(await store.queueFacts(2)).toMatchObject({ facts: 1 })
    expect(await store.queueFacts(2)).toEqual({ facts: 0, queued: 0, suppressed: 0 })
  })
})

describe('long reviews', () => {
  const OPENED = parseInstant('2013-02-08T20:00:00Z')

  async function openReview(policyNumber: string, subjectKind: 'policy' | 'payout') {
    const { rows } = await sql<{ policy: string; payout: string }>`
      select p.id as policy, o.id as payout from policy p join payout o on o.policy_id = p.id
      where p.policy_number = ${policyNumber}`.execute(database.db)
    await createReviewStore(database.db).open({
      subjectKind,
      subjectId: rows[0]?.[subjectKind] ?? '',
      reasonCode: `TEST_${policyNumber}`,
      details: {},
      openedAt: OPENED,
    })
  }

  test('are told once to holders whose policies wait, and not before their time', async () => {
    const { db } = database
    await sql`update policy set state = 'IN_REVIEW' where policy_number in ('P6', 'P7')`.execute(db)
    await openReview('P6', 'policy')
    await openReview('P7', 'payout')
    // Its policy does not wait any more.
    await openReview('P5', 'policy')
    await sql`truncate notification_fact`.execute(db)
    expect(await store.noteLongReviews(addMs(OPENED, -1), 10)).toBe(0)
    expect(await store.noteLongReviews(OPENED, 10)).toBe(2)
    expect(await store.noteLongReviews(OPENED, 10)).toBe(0)
    expect((await facts()).map(({ kind }) => kind)).toEqual(['IN_REVIEW', 'IN_REVIEW'])
  })
})
