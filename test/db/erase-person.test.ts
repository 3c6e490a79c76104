/** Persons under keys of their own: stored closed, erased by the key, and the book stays true. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createPrivacyExports } from '../../adapters/files/privacy-exports.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import { createContactStore } from '../../db/stores/contact-store.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createNotificationStore } from '../../db/stores/notification-store.ts'
import { createPersonDataSource } from '../../db/stores/person-data.ts'
import { createPersonSeals } from '../../db/stores/person-seals.ts'
import { createPersonKeys } from '../../db/stores/person-keys.ts'
import { createPersonKeyUsage } from '../../db/stores/person-key-usage.ts'
import { createPrivacyRequestStore } from '../../db/stores/privacy-request-store.ts'
import { openNames, type StoredNames } from '../../db/stores/sealed-contact.ts'
import { parseContactRow, type Contact } from '../../domain/contact.ts'
import type { KeyRing } from '../../domain/key-ring.ts'
import { PRIVACY_TRANSITIONS, type PrivacyState } from '../../domain/privacy-request.ts'
import { addMs, DAY_MS, instantFromMs } from '../../domain/time.ts'
import { fulfilPrivacyRequest } from '../../operations/fulfil-privacy-request.ts'
import { importContacts } from '../../operations/import-contacts.ts'
import { fetchExport, putExportLink } from '../../operations/manage-privacy-requests.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'
import { ChangingKeys, testKey } from '../support/payload-keys.ts'
import { openPrivacyDesk, type PrivacyDesk } from '../support/privacy-desk.ts'

const RING: KeyRing = { keys: [testKey('ring-a')] }
const ZOE = {
  holder_ref: 'acct_1',
  name: 'Zoë Quist',
  email: 'zoe@example.com',
  phone: '+12025550100',
  push_endpoint: 'https://push.example.com/zoe',
  push_p256dh: `B${'A'.repeat(86)}`,
  push_auth: 'A'.repeat(22),
}
const READABLE = /Zo|zoe@|2025550100|push\.example/

let folder = ''
let desk: PrivacyDesk
let ring: ChangingKeys
const clock = new HandClock()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-erasure-'))
  ring = new ChangingKeys(RING)
  desk = await openPrivacyDesk(folder, ring)
})
afterAll(async () => {
  await desk[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  ring.ring = RING
  ring.next = null
  await sql`truncate contact, person_key, push_subscription cascade`.execute(desk.db)
})

function contactOf(row: Record<string, string>): Contact {
  const parsed = parseContactRow(row)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.contact
}

const save = (...rows: Record<string, string>[]) =>
  createContactStore(desk.db, ring).save(rows.map(contactOf))

const read = (ref: string) => createPersonDataSource(desk.db, ring).read(ref)

/** Everything of the tables, as a backup would have it. */
async function dump(): Promise<string> {
  const { rows } = await sql`
    select (select json_agg(c) from contact c) as c, (select json_agg(s) from push_subscription s) as s,
      (select json_agg(k) from person_key k) as k`.execute(desk.db)
  return JSON.stringify(rows)
}

async function storedNames(): Promise<StoredNames> {
  const { rows } = await sql<StoredNames>`
    select c.*, k.ring_key_id as "ringKeyId", k.material
    from contact c left join person_key k using (holder_ref)`.execute(desk.db)
  const [row] = rows
  if (row === undefined) throw new Error('no contact')
  return row
}

describe('a contact', () => {
  test('is stored closed, and read back as it was', async () => {
    expect(await save(ZOE)).toMatchObject({ created: 1 })
    expect(await dump()).not.toMatch(READABLE)
    expect(await read('acct_1')).toMatchObject({
      contact: { displayName: 'Zoë Quist', email: 'zoe@example.com', phone: '+12025550100' },
      browsers: [{ endpoint: 'https://push.example.com/zoe' }],
    })
  })

  test('that is saved again changes nothing; another name changes one', async () => {
    await save(ZOE)
    const before = await dump()
    expect(await save(ZOE)).toEqual({
      ...{ created: 0, changed: 0, unchanged: 1 },
      ...{ erased: [], foreign: [] },
    })
    expect(await dump()).toBe(before)
    expect(await save({ ...ZOE, name: 'Zoë Abel' })).toMatchObject({ changed: 1 })
  })

  test('of many who save at once has one key', async () => {
    await Promise.all(Array.from({ length: 5 }, (_, n) => save({ ...ZOE, name: `Zoë ${n}` })))
    expect((await read('acct_1')).contact?.displayName).toMatch(/^Zoë \d$/)
  })

  test('without the key of the ring is read by nobody, who is told which one', async () => {
    await save(ZOE)
    ring.ring = { keys: [testKey('ring-b')] }
    await expect(read('acct_1')).rejects.toThrow('closed with key ring-a')
    await expect(createPersonDataSource(desk.db, null).read('acct_1')).rejects.toThrow(
      'PAYLOAD_KEYS_FILE',
    )
  })
})

describe('the rotation of the ring', () => {
  const rotated: KeyRing = {
    keys: [testKey('ring-a', { state: 'replaced' }), testKey('ring-b')],
  }

  test('closes keys of persons anew, and needs the old key until then', async () => {
    await save(ZOE, { ...ZOE, holder_ref: 'acct_2', push_endpoint: 'https://push.example.com/2' })
    const usage = createPersonKeyUsage(desk.db, ring)
    expect(await usage.needed([testKey('ring-a'), testKey('ring-b')])).toEqual(['ring-a'])
    ring.ring = rotated
    expect(await usage.reseal()).toBe(2)
    expect(await usage.reseal()).toBe(0)
    expect(await usage.needed([testKey('ring-a')])).toEqual([])
    ring.ring = { keys: [testKey('ring-b')] }
    expect((await read('acct_1')).contact?.displayName).toBe('Zoë Quist')
  })

  test('closes what was there before there were keys', async () => {
    await sql`
      insert into contact (holder_ref, display_name, email, phone, has_email, has_phone, locale, channels)
      values ('acct_1', 'Zoë Quist', 'zoe@example.com', '+12025550100', true, true, 'de', '{email}')`.execute(
      desk.db,
    )
    await sql`
      insert into push_subscription (id, holder_ref, endpoint, p256dh, auth)
      values (groundstop_id('push|' || ${ZOE.push_endpoint}), 'acct_1', ${ZOE.push_endpoint},
        ${ZOE.push_p256dh}, ${ZOE.push_auth})`.execute(desk.db)
    const before = await read('acct_1')
    expect(before.contact).toMatchObject({ email: 'zoe@example.com', locale: 'de' })
    expect(await createPersonKeyUsage(desk.db, ring).reseal()).toBe(2)
    expect(await dump()).not.toMatch(READABLE)
    expect(await read('acct_1')).toEqual(before)
  })

  test('closes keys that were made before there was a ring', async () => {
    await createContactStore(desk.db, null).save([contactOf(ZOE)])
    expect((await storedNames()).ringKeyId).toBeNull()
    expect(await dump()).not.toMatch(READABLE)
    expect(await createPersonKeyUsage(desk.db, ring).reseal()).toBe(1)
    expect((await storedNames()).ringKeyId).toBe('ring-a')
    expect((await read('acct_1')).contact?.email).toBe('zoe@example.com')
  })
})

const REQUESTS = () => createPrivacyRequestStore(desk.db)

async function fulfil(requestId: string, now = instantFromMs(Date.now())) {
  const deps = {
    privacyRequests: REQUESTS(),
    personData: createPersonDataSource(desk.db, ring),
    personSeals: createPersonSeals(desk.db, ring),
    privacyExports: createPrivacyExports(folder),
    clock,
    wallNow: () => now,
  }
  return fulfilPrivacyRequest(deps, requestId)
}

/** One policy of the person, its payout still to be sent. */
async function owedTo(prefix: string): Promise<{ holderRef: string; payoutId: string }> {
  const book = { size: 1, prefix, payeePrefix: `acct_${prefix}_` }
  const [payoutId = ''] = await makePayoutBook(desk.db, book)
  return { holderRef: `acct_${prefix}_1`, payoutId }
}

/** The rail takes it, and the policy is over. */
async function settle(payoutId: string): Promise<void> {
  const { payoutStore } = createPayoutStores(desk.db)
  const at = await clock.now()
  const approval = { payoutIds: [payoutId] }
  await sql`update payout set state = 'APPROVED', approved_by = 'rule' where id = ${payoutId}::uuid`.execute(
    desk.db,
  )
  await payoutStore.openAttempts(approval, { provider: 'stripe', at })
  await payoutStore.recordAccepted([{ payoutId, n: 1, transferId: `tr_${payoutId}` }], at)
}

describe('an erasure', () => {
  test('waits while cover is live, and is done once everything is paid', async () => {
    const { holderRef, payoutId } = await owedTo('A')
    await save({ ...ZOE, holder_ref: holderRef })
    const { requestId } = await desk.receive('erasure', holderRef)
    const waiting = { outcome: 'deferred', block: 'LIVE_POLICIES', lookAgainMs: 6 * 3_600_000 }
    expect(await fulfil(requestId)).toEqual(waiting)
    expect(await desk.find(requestId)).toMatchObject({
      state: 'IN_PROGRESS',
      waitsFor: 'LIVE_POLICIES',
    })
    expect((await read(holderRef)).contact?.email).toBe('zoe@example.com')
    await settle(payoutId)
    expect(await fulfil(requestId)).toEqual({ outcome: 'fulfilled', bytes: 0 })
    expect(await desk.find(requestId)).toMatchObject({ state: 'FULFILLED' })
    expect(await read(holderRef)).toMatchObject({ contact: null, browsers: [], payouts: [{}] })
  })

  test('waits for a payout that the rail gave back, though its policy is paid', async () => {
    const { holderRef, payoutId } = await owedTo('B')
    await settle(payoutId)
    const move = (state: string) =>
      sql`update payout set state = ${state},
        paid_at = case when ${state} = 'PAID' then now() end
        where id = ${payoutId}::uuid`.execute(desk.db)
    await move('RETURNED')
    const { requestId } = await desk.receive('erasure', holderRef)
    expect(await fulfil(requestId)).toMatchObject({ outcome: 'deferred', block: 'OPEN_PAYOUTS' })
    for (const state of ['APPROVED', 'SUBMITTED', 'PAID']) await move(state)
    expect(await fulfil(requestId)).toMatchObject({ outcome: 'fulfilled' })
  })

  test('waits for the copy that was asked for, and takes it away', async () => {
    const copy = await desk.receive('export', 'acct_c')
    const { requestId } = await desk.receive('erasure', 'acct_c')
    expect(await fulfil(requestId)).toMatchObject({ outcome: 'deferred', block: 'OPEN_EXPORT' })
    await fulfil(copy.requestId)
    const wallNow = () => instantFromMs(Date.now())
    const doors = {
      privacyRequests: REQUESTS(),
      privacyExports: createPrivacyExports(folder),
      clock,
      wallNow,
      personSeals: createPersonSeals(desk.db, ring),
    }
    const note = { by: 'user:ana', reason: 'a letter' }
    const { token } = await putExportLink(doors, copy.requestId, note)
    expect(await fetchExport(doors, copy.requestId, token)).not.toBeNull()
    const kept = await doors.privacyExports.read(copy.requestId)
    if (kept === null) throw new Error('no copy')
    expect(Buffer.from(kept.sealed).toString('latin1')).not.toContain('acct_c')
    expect(await fulfil(requestId)).toMatchObject({ outcome: 'fulfilled' })
    expect(await fetchExport(doors, copy.requestId, token)).toBeNull()
    expect(await readdir(folder)).not.toContain(copy.requestId)
    // Out of a backup of the folder: it opens no more.
    const opened = doors.personSeals.open('acct_c', `export|${copy.requestId}`, kept.sealed)
    expect(await opened).toBeNull()
  })

  test('is refused with the reason when its month ends first, not a millisecond earlier', async () => {
    const { holderRef } = await owedTo('D')
    await save({ ...ZOE, holder_ref: holderRef })
    const { requestId, dueAt } = await desk.receive('erasure', holderRef)
    expect(await fulfil(requestId, addMs(dueAt, -1))).toMatchObject({
      outcome: 'deferred',
      lookAgainMs: 1_000,
    })
    const refused = await fulfil(requestId, dueAt)
    expect(refused).toEqual({
      outcome: 'refused',
      reason: 'cover is still in force or under review: the contract needs the data (1)',
    })
    expect(await desk.find(requestId)).toMatchObject({ state: 'REFUSED', closedAt: dueAt })
    expect((await read(holderRef)).contact?.email).toBe('zoe@example.com')
  })

  test('leaves copies of the tables unreadable, and ledger and trail true', async () => {
    await save(ZOE)
    const copy = await storedNames()
    const keys = createPersonKeys(ring)
    expect(await openNames(keys, 'acct_1', copy)).toMatchObject({ email: 'zoe@example.com' })
    const { requestId } = await desk.receive('erasure', 'acct_1')
    await fulfil(requestId)
    // A copy of the contacts: the keys are apart from it, and this one is nowhere any more.
    const { rows } = await sql`select from person_key where holder_ref = 'acct_1'`.execute(desk.db)
    expect(rows).toEqual([])
    const withoutKey = { ...copy, ringKeyId: null, material: null }
    expect(await openNames(keys, 'acct_1', withoutKey)).toEqual({
      displayName: null,
      email: null,
      phone: null,
    })
    // Whoever saves them anew gets another key, which does not open the copy either.
    const other = await desk.db.transaction().execute((trx) => keys.ensure(trx, ['acct_1']))
    const anew = { ...copy, ringKeyId: null, material: other.get('acct_1') ?? null }
    await expect(openNames(keys, 'acct_1', anew)).rejects.toThrow('does not open')
    expect(await verifyBooks({ ledgerStore: createLedgerStore(desk.db), clock })).toMatchObject({
      breaks: [],
    })
    expect(await createAuditChain(desk.db).verify()).toMatchObject({ firstBreak: null })
    const trail = await sql`select details::text from audit_event`.execute(desk.db)
    expect(JSON.stringify(trail.rows)).not.toMatch(READABLE)
  })

  test('is not undone by an old file, whose other rows go in', async () => {
    const { requestId } = await desk.receive('erasure', 'acct_7')
    await fulfil(requestId)
    const row = (holderRef: string) => ({ ...ZOE, holder_ref: holderRef, push_endpoint: '' })
    const rows = ['acct_6', 'acct_7', 'acct_8'].map((ref, line) => ({
      line,
      row: { holder_ref: ref, email: row(ref).email },
    }))
    const result = await importContacts({ contactStore: createContactStore(desk.db, ring) }, rows)
    expect(result).toMatchObject({
      created: 2,
      rejected: [{ line: 1, field: 'holder_ref', reason: 'was erased at their own request' }],
    })
    expect((await read('acct_7')).contact).toBeNull()
  })

  test('that runs twice at once is done once', async () => {
    await save({ ...ZOE, holder_ref: 'acct_9' })
    const { requestId } = await desk.receive('erasure', 'acct_9')
    const both = await Promise.all([fulfil(requestId), fulfil(requestId)])
    expect(both).toEqual([
      { outcome: 'fulfilled', bytes: 0 },
      { outcome: 'fulfilled', bytes: 0 },
    ])
    const { rows } = await sql<{ action: string }>`
      select action from audit_event where subject = ${`privacy-request:${requestId}`} order by seq`.execute(
      desk.db,
    )
    expect(rows.map(({ action }) => action)).toEqual([
      'privacy.receive',
      'privacy.begin',
      'privacy.fulfil',
    ])
  })
})

describe('a message', () => {
  test('goes to the address that was closed, and to nobody once they were erased', async () => {
    const { payoutId, holderRef } = await owedTo('M')
    await save({ ...ZOE, holder_ref: holderRef })
    await settle(payoutId)
    const store = createNotificationStore(desk.db, ring)
    await store.queueFacts(100)
    const [batch = ''] = await store.claimBatches({
      pass: { passId: 'one', attempt: 1 },
      batchSize: 50,
      batchesAtMost: 1,
      leaseMs: 1_000,
    })
    const taken = () => store.takeMessages(batch, { limit: 50, leaseMs: 1_000 })
    const ours = async () =>
      (await taken()).filter(({ policyNumber }) => policyNumber?.startsWith('M') === true)
    const addresses = (await ours()).map(({ address }) => address?.kind ?? 'none')
    expect(addresses.toSorted()).toEqual(['email', 'push', 'sms'])
    const { requestId } = await desk.receive('erasure', holderRef)
    await fulfil(requestId)
    expect((await ours()).map(({ address }) => address)).toEqual([null, null, null])
  })
})

const STATES = Object.keys(PRIVACY_TRANSITIONS) as PrivacyState[]

test.each(
  STATES.flatMap((from) => STATES.filter((to) => to !== from).map((to) => [from, to] as const)),
)('the schema and the code agree on %s to %s', async (from, to) => {
  const { requestId } = await desk.receive('erasure', `acct_${from}_${to}`)
  const move = (state: PrivacyState) => {
    const isClosed = state === 'FULFILLED' || state === 'REFUSED'
    return sql`
        update privacy_request set state = ${state}, refusal = ${state === 'REFUSED' ? 'no' : null},
          closed_at = ${isClosed ? addMs(instantFromMs(0), DAY_MS) : null}::timestamptz
        where id = ${requestId}::uuid`.execute(desk.db)
  }
  if (from !== 'RECEIVED') await move('IN_PROGRESS')
  if (from !== 'RECEIVED' && from !== 'IN_PROGRESS') await move(from)
  if (PRIVACY_TRANSITIONS[from].includes(to)) await expect(move(to)).resolves.toBeDefined()
  else await expect(move(to)).rejects.toThrow(`privacy_request cannot go from ${from} to ${to}`)
})
