/** What holders are told of their appeals: that they came, how they ended and why, and nothing untrue. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createExplanationSource } from '../../db/stores/explanation-source.ts'
import { readMessage } from '../../db/stores/notification-messages.ts'
import { noteLongReviews } from '../../db/stores/notification-outbox.ts'
import { createNotificationStore } from '../../db/stores/notification-store.ts'
import { createPersonKeys } from '../../db/stores/person-keys.ts'
import { addMs, DAY_MS } from '../../domain/time.ts'
import { composeMessage } from '../../operations/compose-message.ts'
import {
  appeal,
  decide,
  decidedBook,
  DENIED,
  OWED,
  pay,
  type Appealed,
} from '../support/appealed-book.ts'
import { startPaymentRig } from '../support/payment-rig.ts'
import type { Book } from '../support/watched-book.ts'

let it: Book
let denied: Appealed
let stands: Appealed
let upheld: Appealed
let failed: Appealed

beforeAll(async () => {
  await using rig = await startPaymentRig()
  const made = await decidedBook('N', [DENIED, DENIED, OWED, OWED])
  it = made.it
  const [first, second, third, fourth] = made.policies
  if (!first || !second || !third || !fourth) throw new Error('missing')
  ;[denied, stands, upheld, failed] = [first, second, third, fourth]
  await pay([upheld, failed], rig)
})
afterAll(() => it[Symbol.asyncDispose]())

/** All messages of the policy by template; null is one that is not true any more. */
async function told({ number }: Appealed): Promise<Record<string, string | null>> {
  await createNotificationStore(it.db, null).queueFacts(100)
  const { rows } = await sql<{ id: string; template: string }>`
    select n.id, n.template from notification n join policy p on p.id = n.policy_id
    where p.policy_number = ${number} order by n.template`.execute(it.db)
  const texts = rows.map(async ({ id, template }) => {
    const message = await readMessage({ db: it.db, keys: createPersonKeys(null) }, id)
    if (message === null) throw new Error('no message')
    const composed = await composeMessage({ explanations: createExplanationSource(it.db) }, message)
    return [template, composed?.text ?? null] as const
  })
  return Object.fromEntries(await Promise.all(texts))
}

test('a denial names the last day; who appeals hears so, and the denial is still told', async () => {
  await sql`
    update policy set state = 'EXPIRED' where policy_number = ${denied.number}`.execute(it.db)
  await appeal(denied)
  const texts = await told(denied)
  expect(texts['policy-not-paid']).toMatch(/appeal until the end of \w+, \d+ May 2013 \(UTC\)/)
  expect(texts['appeal-received']).toContain('A person now looks at the evidence again')
})

test('an end is told with its grounds, and the arrival of the appeal no more', async () => {
  await appeal(stands)
  await decide(stands, { outcome: 'deny' })
  const texts = await told(stands)
  expect(texts['appeal-received']).toBeNull()
  expect(texts['appeal-stands']).toContain('The reason: carrier report seen')
})

test('more is told as what is paid beyond the first payment', async () => {
  await appeal(upheld)
  await decide(upheld, { outcome: 'pay', bps: 10_000 })
  expect((await told(upheld))['appeal-upheld']).toContain('We pay you USD 175.00 more')
})

test('a policy under appeal is not said to be undecided; one whose payment failed is', async () => {
  await appeal(failed)
  const days = async (n: number) => addMs(await it.clock.now(), n * DAY_MS)
  expect(await noteLongReviews(it.db, await days(2), 10)).toBe(0)
  await decide(failed, { outcome: 'pay', bps: 10_000 })
  await sql`
    insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
    select gen_random_uuid(), 'policy', id, 'PAYOUT_CANCELLED', ${await days(2)}::timestamptz
    from policy where policy_number = ${failed.number}`.execute(it.db)
  await sql`
    update policy set state = 'IN_REVIEW' where policy_number = ${failed.number}`.execute(it.db)
  expect(await noteLongReviews(it.db, await days(3), 10)).toBe(1)
})
