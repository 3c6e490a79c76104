/** From a fact to a mail in a box: the relay, a batch, every outcome, and a process that dies in between. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createSmtpNotifier } from '../../adapters/notify/smtp.ts'
import { createExplanationSource } from '../../db/stores/explanation-source.ts'
import { createNotificationStore } from '../../db/stores/notification-store.ts'
import { createOperatorNoticeStore } from '../../db/stores/operator-notice-store.ts'
import { NOTIFICATION_CHANNELS, type NotificationChannel } from '../../domain/notification.ts'
import type { RelayPass } from '../../domain/ports/notification-store.ts'
import type {
  Notifier,
  Notifiers,
  OutgoingMessage,
  SendOutcome,
} from '../../domain/ports/notifier.ts'
import { notifyOperators } from '../../operations/notify-operators.ts'
import { relayNotifications } from '../../operations/relay-notifications.ts'
import { sendNotifications } from '../../operations/send-notifications.ts'
import { startMailServer, type RunningMailServer } from '../../simulator/mail/mail-server.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  forgetPayments,
  giveBack,
  pay,
  readNotifications,
  saveContacts,
} from '../support/notification-book.ts'
import { HandClock } from '../support/payment-rig.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { product } from '../unit/domain/legs.ts'

type KeptMail = {
  readonly to: readonly string[]
  readonly subject: string
  readonly messageId: string
  readonly text: string
}

let database: TestDatabase
let mail: RunningMailServer
let smtp: Notifier
const clock = new HandClock()

beforeAll(async () => {
  database = await createTestDatabase()
  mail = await startMailServer({ host: '127.0.0.1', port: 0, smtpPort: 0, keep: 100 })
  const from = 'notices@insurer.example'
  smtp = createSmtpNotifier({ url: mail.smtpUrl, from, operators: 'ops@insurer.example' })
  // The book's own product has no rules to explain by.
  await sql`
    insert into product_version (id, code, version, rules)
    values (groundstop_id('product|FD45|1'), 'FD45', 1, ${JSON.stringify(product('FD45'))}::jsonb)`.execute(
    database.db,
  )
  await makePayoutBook(database.db, { size: 60 })
})

afterAll(async () => {
  await smtp[Symbol.asyncDispose]()
  await mail[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

let firstMail = 0
beforeEach(async () => {
  firstMail = (await mails()).received
  await saveContacts(database.db, [
    { holder_ref: 'acct_1', name: 'Zoë', email: 'zoe@example.com', locale: 'de' },
    { holder_ref: 'acct_2', email: 'max@example.com', phone: '+12025550100' },
  ])
})

afterEach(() => forgetPayments(database.db))

async function mails(): Promise<{ received: number; messages: readonly KeptMail[] }> {
  const response = await fetch(`${mail.url}/messages`)
  return (await response.json()) as { received: number; messages: readonly KeptMail[] }
}

/** Mail since the test began, oldest first. */
async function newMail(): Promise<readonly KeptMail[]> {
  const { received, messages } = await mails()
  return messages.slice(0, received - firstMail).toReversed()
}

/** A channel that answers what the test says, message by message; what it was given is kept. */
function scripted(
  channel: NotificationChannel,
  answer: (message: OutgoingMessage, call: number) => SendOutcome | Promise<SendOutcome>,
): Notifier & { readonly given: OutgoingMessage[] } {
  const given: OutgoingMessage[] = []
  return {
    channel,
    id: 'scripted',
    given,
    async send(message) {
      given.push(message)
      return answer(message, given.length)
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

const SENT: SendOutcome = { kind: 'sent', providerRef: 'x', isDelivered: false }
const retry = (isChannelDown: boolean): SendOutcome => ({
  kind: 'retry',
  code: 'BUSY',
  retryAfterMs: null,
  isChannelDown,
})

function stores() {
  return {
    notificationStore: createNotificationStore(database.db, null),
    explanations: createExplanationSource(database.db),
    operatorNoticeStore: createOperatorNoticeStore(database.db),
  }
}

/** One pass of the relay; the batches that it wants started. */
async function relay(
  notifiers: Notifiers = {},
  pass: RelayPass = { passId: randomUUID(), attempt: 1 },
): Promise<string[]> {
  const batches: string[] = []
  const startBatch = async (batchId: string): Promise<void> => {
    batches.push(batchId)
  }
  await relayNotifications({ ...stores(), notifiers, clock, startBatch }, pass)
  return batches
}

function send(batchId: string | undefined, notifiers: Notifiers, signal?: AbortSignal) {
  const options = signal === undefined ? {} : { signal }
  return sendNotifications({ ...stores(), notifiers, attemptsAtMost: 5 }, batchId ?? '', options)
}

/** As if the waits were over. */
async function passWaits(): Promise<void> {
  await sql`update notification set next_attempt_at = now() where state = 'QUEUED'`.execute(
    database.db,
  )
}

const states = async (): Promise<string[]> =>
  (await readNotifications(database.db)).map(
    ({ policy_number, channel, state, reason }) =>
      `${policy_number ?? 'operators'} ${channel} ${state}${reason === null ? '' : ` ${reason}`}`,
  )

describe('a payment', () => {
  test("becomes a mail in the holder's language, once", async () => {
    await pay(database.db, 'P1')
    await pay(database.db, 'P2')
    const [batchId] = await relay()
    expect(await send(batchId, { email: smtp })).toMatchObject({ sent: 2, suppressed: 1, open: 0 })
    expect(await relay()).toEqual([])
    const [first, second] = (await newMail()).toSorted((a, b) =>
      (a.to[0] ?? '') < (b.to[0] ?? '') ? 1 : -1,
    )
    expect(first).toMatchObject({
      to: ['zoe@example.com'],
      subject: 'Wir haben Ihnen 120,00 USD gezahlt',
    })
    expect(first?.text).toContain('Guten Tag Zoë,')
    expect(second).toMatchObject({
      to: ['max@example.com'],
      subject: 'You have been paid USD 120.00',
    })
    expect(await states()).toEqual([
      'P1 email SENT',
      'P2 email SENT',
      'P2 sms SUPPRESSED CHANNEL_NOT_CONFIGURED',
    ])
  })

  test('that came back before it was told is not told as paid', async () => {
    await pay(database.db, 'P1')
    const [batchId] = await relay()
    await giveBack(database.db, 'P1')
    await send(batchId, { email: smtp })
    expect(await states()).toEqual(['P1 email SUPPRESSED NO_LONGER_TRUE'])
    await send((await relay())[0], { email: smtp })
    expect((await newMail()).map(({ subject }) => subject)).toEqual([
      'Ihre Zahlung zu Police P1 kam zurück',
    ])
  })

  test('of a holder who was erased in between goes nowhere', async () => {
    await pay(database.db, 'P1')
    const [batchId] = await relay()
    await sql`delete from contact where holder_ref = 'acct_1'`.execute(database.db)
    await send(batchId, { email: smtp })
    expect(await states()).toEqual(['P1 email SUPPRESSED NO_ADDRESS'])
    expect(await newMail()).toEqual([])
  })
})

describe('a process that dies', () => {
  test('between sending and writing down sends again under the same id', async () => {
    await pay(database.db, 'P1')
    const [batchId] = await relay()
    const broken = {
      ...stores().notificationStore,
      recordOutcomes: async (): Promise<void> => {
        throw new Error('the machine dies')
      },
    }
    const deps = { ...stores(), notificationStore: broken, notifiers: { email: smtp } }
    const died = sendNotifications({ ...deps, attemptsAtMost: 5 }, batchId ?? '')
    await expect(died).rejects.toThrow('the machine dies')
    await send(batchId, { email: smtp })
    const ids = (await newMail()).map(({ messageId }) => messageId)
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(1)
    expect(await states()).toEqual(['P1 email SENT'])
  })

  test('with its batches claimed and not started leaves them to the next try of its pass', async () => {
    await pay(database.db, 'P1')
    const pass = { passId: randomUUID(), attempt: 1 }
    const lost = await relay({}, pass)
    await pay(database.db, 'P2')
    const again = await relay({}, { ...pass, attempt: 2 })
    expect(again).toEqual(expect.arrayContaining(lost))
    expect(again).toHaveLength(2)
    for (const batchId of again) await send(batchId, { email: smtp })
    expect(await newMail()).toHaveLength(2)
    expect(await relay({}, { ...pass, attempt: 3 })).toEqual([])
  })

  test('with its batch claimed leaves it to whoever comes after the lease', async () => {
    await pay(database.db, 'P1')
    const [lost] = await relay()
    expect(await relay()).toEqual([])
    await sql`update notification set claimed_until = now() - interval '1 second'`.execute(
      database.db,
    )
    const [again] = await relay()
    expect(again).not.toBe(lost)
    // The first one wakes up: nothing is its own any more.
    expect(await send(lost, { email: smtp })).toMatchObject({ sent: 0, open: 0 })
    expect(await send(again, { email: smtp })).toMatchObject({ sent: 1 })
    expect(await newMail()).toHaveLength(1)
  })

  test('in the middle of a group has what was on its way written down', async () => {
    for (const n of [1, 2]) await pay(database.db, `P${n}`)
    const [batchId] = await relay()
    const stop = new AbortController()
    const email = scripted('email', (_message, call) => {
      if (call === 2) stop.abort(new Error('the worker stops'))
      return SENT
    })
    await expect(send(batchId, { email }, stop.signal)).rejects.toThrow('the worker stops')
    expect((await states()).filter((state) => state.includes('email SENT'))).toHaveLength(2)
  })
})

describe('a try that fails', () => {
  test("by the message's fault is repeated five times and then given up", async () => {
    await pay(database.db, 'P1')
    const [batchId] = await relay()
    const email = scripted('email', () => retry(false))
    for (let i = 1; i <= 4; i += 1) {
      const step = await send(batchId, { email })
      expect(step).toMatchObject({ retried: 1, open: 1 })
      expect(step.nextInMs).toBeGreaterThan(2 ** (i - 1) * 1_000 - 500)
      await passWaits()
    }
    expect(await send(batchId, { email })).toMatchObject({ failed: 1, open: 0, nextInMs: null })
    expect(await states()).toEqual(['P1 email FAILED ATTEMPTS_EXHAUSTED'])
    expect(new Set(email.given.map(({ notificationId }) => notificationId)).size).toBe(1)
    expect(email.given).toHaveLength(5)
  })

  test('because the channel is away is not counted, and the others of the group are spared', async () => {
    const contacts = Array.from({ length: 20 }, (_, i) => ({
      holder_ref: `acct_${i + 1}`,
      email: `h${i}@example.com`,
    }))
    await saveContacts(database.db, contacts)
    for (let n = 1; n <= 20; n += 1) await pay(database.db, `P${n}`)
    const [batchId] = await relay()
    const email = scripted('email', () => retry(true))
    expect(await send(batchId, { email })).toMatchObject({ retried: 20, open: 20 })
    expect(email.given.length).toBeLessThanOrEqual(5)
    const rows = (await readNotifications(database.db)).filter(({ channel }) => channel === 'email')
    expect(new Set(rows.map(({ attempts, last_code }) => `${attempts} ${last_code}`))).toEqual(
      new Set(['0 BUSY']),
    )
  })

  test('for good fails at once, and removes a browser that is gone', async () => {
    await saveContacts(database.db, [
      {
        holder_ref: 'acct_1',
        push_endpoint: 'https://push.example.com/1',
        push_p256dh: `B${'A'.repeat(86)}`,
        push_auth: 'A'.repeat(22),
        channels: 'push',
      },
    ])
    await pay(database.db, 'P1')
    const [batchId] = await relay()
    const push = scripted('push', () => ({
      kind: 'refused',
      code: 'HTTP_410',
      isAddressGone: true,
    }))
    expect(await send(batchId, { push })).toMatchObject({ failed: 1, open: 0 })
    expect(await states()).toEqual(['P1 push FAILED HTTP_410'])
    const { rows } = await sql`select from push_subscription`.execute(database.db)
    expect(rows).toEqual([])
  })
})

test('what a provider says later is written down', async () => {
  await pay(database.db, 'P2')
  const sms: Notifier = {
    ...scripted('sms', () => ({ kind: 'sent', providerRef: 'SM1', isDelivered: false })),
    delivery: async (providerRef) => ({ kind: 'bounced', code: `LATE_${providerRef}` }),
  }
  await send((await relay())[0], { sms, email: smtp })
  await relay({ sms })
  expect(await states()).toContain('P2 sms SENT')
  await sql`
    update notification set sent_at = now() - interval '1 minute',
      updated_at = now() - interval '1 minute' where state = 'SENT'`.execute(database.db)
  await relay({ sms })
  expect(await states()).toContain('P2 sms BOUNCED LATE_SM1')
})

test('a storm is relayed in batches of 100, as many as are taken at once', async () => {
  await sql`
    insert into contact (holder_ref, email, locale, channels)
    select 'acct_' || i, 'h' || i || '@example.com', 'en', '{email}' from generate_series(3, 60) i`.execute(
    database.db,
  )
  await sql`
    insert into notification_fact (kind, policy_id, payout_id, occasion)
    select 'PAID', o.policy_id, o.id, 'storm ' || i from payout o, generate_series(1, 10) i`.execute(
    database.db,
  )
  // 600 e-mails and the ten text messages of one holder.
  const batches = await relay()
  expect(batches).toHaveLength(7)
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from notification group by batch_id order by n`.execute(database.db)
  expect(rows.map(({ n }) => n)).toEqual([10, 100, 100, 100, 100, 100, 100])
})

describe('operators', () => {
  const trouble = { key: 'job:x', severity: 'critical', subject: 'x failed', text: 'look' } as const
  const tell = (change: Partial<Parameters<typeof notifyOperators>[1]> = {}) =>
    notifyOperators(stores(), { ...trouble, ...change })

  test('get the mail; channels that are not set up are suppressed', async () => {
    await tell()
    await send((await relay())[0], { email: smtp })
    expect(await newMail()).toMatchObject([
      { to: ['ops@insurer.example'], subject: '[CRITICAL] x failed' },
    ])
    expect(await states()).toEqual([
      'operators email SENT',
      'operators slack SUPPRESSED CHANNEL_NOT_CONFIGURED',
      'operators webhook SUPPRESSED CHANNEL_NOT_CONFIGURED',
    ])
  })

  test('are told when messages wait, and when they do not any more', async () => {
    await pay(database.db, 'P1')
    await relay()
    await sql`alter table notification disable trigger frozen`.execute(database.db)
    await sql`update notification set created_at = now() - interval '16 minutes'`.execute(
      database.db,
    )
    await sql`alter table notification enable trigger frozen`.execute(database.db)
    await relay()
    expect((await states()).filter((state) => state.startsWith('operators'))).toHaveLength(3)
    await sql`update notification set state = 'SUPPRESSED', reason = 'TEST'`.execute(database.db)
    await relay()
    expect((await states()).filter((state) => state.startsWith('operators'))).toHaveLength(6)
  })
})

test('every channel of the domain is one that the schema takes', async () => {
  for (const channel of NOTIFICATION_CHANNELS) {
    await sql`
      insert into notification (id, audience, template, template_version, locale, channel, to_ref, content)
      values (gen_random_uuid(), 'operator', 'operator-notice', 1, 'en', ${channel}, 'x', '{}')`.execute(
      database.db,
    )
  }
  expect(await states()).toHaveLength(NOTIFICATION_CHANNELS.length)
})
