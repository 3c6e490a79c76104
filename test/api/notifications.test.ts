/** Notifications and contacts through both doors: listed, shown, sent again, suppressed; written, erased. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createNotificationStore } from '../../db/stores/notification-store.ts'
import { pay } from '../support/notification-book.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { runCommand } from '../support/read-commands.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const PATH = '/api/notifications'
const NOTE = { by: 'user:ana', reason: 'asked by phone' }
const NOBODY = '00000000-0000-4000-8000-000000000000'

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig()
  // The reference products are there, so that payments can be explained.
  await makePayoutBook(rig.database.db, { size: 5 })
  const contacts = [
    { holder_ref: 'acct_1', name: 'Zoë', email: 'zoe@example.com', phone: '+12025550100' },
    { holder_ref: 'acct_2', email: 'max@example.com', locale: 'de' },
  ]
  const saved = await rig.ask('POST', '/api/contacts', { body: { contacts } })
  expect(saved).toMatchObject({ status: 200, body: { total: 2, created: 2, errors: [] } })
  for (const n of [1, 2, 3]) await pay(rig.database.db, `P${n}`)
  await createNotificationStore(rig.database.db, null).queueFacts(10)
})
afterAll(() => rig[Symbol.asyncDispose]())

type Listed = { readonly notificationId: string; readonly state: string; readonly channel: string }
type Page = { readonly items: readonly Listed[]; readonly nextCursor: string | null }

async function list(query = ''): Promise<Page> {
  const answer = await rig.ask('GET', `${PATH}${query}`)
  expect(answer.status).toBe(200)
  return answer.body as Page
}

async function idOf(query: string): Promise<string> {
  const [first] = (await list(query)).items
  if (first === undefined) throw new Error(`nothing has ${query}`)
  return first.notificationId
}

describe('the list', () => {
  test('has every notification, page by page, and no address', async () => {
    const all = await list()
    expect(all.items).toHaveLength(4)
    const first = await list('?limit=3')
    const rest = await list(`?limit=3&cursor=${first.nextCursor ?? ''}`)
    expect([...first.items, ...rest.items]).toEqual(all.items)
    expect(rest.nextCursor).toBeNull()
    expect(JSON.stringify(all)).not.toMatch(/example\.com|2025550100|Zoë/)
  })

  test.each([
    ['?state=SUPPRESSED', ['email']],
    ['?policyNumber=P1', ['email', 'sms']],
    ['?channel=sms', ['sms']],
    ['?policyNumber=P9', []],
    ['?template=payout-paid&audience=holder&state=QUEUED', ['email', 'email', 'sms']],
  ])('filters %s', async (query, channels) => {
    expect((await list(query)).items.map(({ channel }) => channel).toSorted()).toEqual(channels)
  })

  test.each(['?state=GONE', '?channel=fax', '?x=1', '?cursor=bad'])('refuses %s', async (query) => {
    expect((await rig.ask('GET', `${PATH}${query}`)).status).toBe(400)
  })
})

describe('one', () => {
  test('is shown with the words that would be sent, and is not kept on the way', async () => {
    const answer = await rig.ask('GET', `${PATH}/${await idOf('?policyNumber=P2')}`)
    expect(answer).toMatchObject({
      status: 200,
      body: {
        template: 'payout-paid',
        locale: 'de',
        message: { subject: 'Wir haben Ihnen 120,00 USD gezahlt' },
      },
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(JSON.stringify(answer.body)).not.toContain('max@example.com')
  })

  test.each([NOBODY, 'x'])('that is not there is not found: %s', async (id) => {
    expect((await rig.ask('GET', `${PATH}/${id}`)).status).toBe(404)
  })
})

describe('by hand', () => {
  const post = (id: string, action: string, body: unknown = NOTE, headers = {}) =>
    rig.ask('POST', `${PATH}/${id}/${action}`, { body, headers })

  test('a queued one is suppressed once, and then not again', async () => {
    const id = await idOf('?channel=sms&state=QUEUED')
    expect(await post(id, 'suppress')).toMatchObject({ status: 200, body: { notificationId: id } })
    expect(await post(id, 'suppress')).toMatchObject({ status: 409 })
    expect((await list('?channel=sms')).items).toMatchObject([
      { state: 'SUPPRESSED', reason: 'BY_OPERATOR' },
    ])
  })

  test('what is queued is not sent again; what is over is, as a new one, each time it is asked for', async () => {
    const queued = await idOf('?state=QUEUED')
    expect(await post(queued, 'resend')).toMatchObject({ status: 409 })
    const over = await idOf('?policyNumber=P3')
    const headers = { 'idempotency-key': 'resend-1' }
    const first = await post(over, 'resend', NOTE, headers)
    expect(first.status).toBe(201)
    expect((await post(over, 'resend', NOTE, headers)).body).toEqual(first.body)
    const second = await post(over, 'resend')
    expect(second.body).not.toEqual(first.body)
    const again = (await list('?policyNumber=P3')).items
    expect(again).toHaveLength(3)
    expect(again.filter(({ state }) => state === 'QUEUED')).toHaveLength(2)
  })

  test('leaves a trail of who and why', async () => {
    const { rows } = await sql<{ action: string; actor: string; details: object }>`
      select action, actor, details from audit_event where action like 'notifications.%'
      order by seq`.execute(rig.database.db)
    expect(rows.map(({ action }) => action)).toEqual([
      'notifications.suppress',
      'notifications.resend',
      'notifications.resend',
    ])
    expect(rows[0]).toMatchObject({ actor: 'user:ana', details: { reason: 'asked by phone' } })
  })

  test.each([{ by: 'user:ana' }, { ...NOTE, more: 1 }, { ...NOTE, reason: ' ' }])(
    'is refused without who and why: %o',
    async (body) => {
      expect((await post(await idOf(''), 'resend', body)).status).toBe(422)
    },
  )

  test.each(['resend', 'suppress'])('%s of nothing is not found', async (action) => {
    expect((await post(NOBODY, action)).status).toBe(404)
    expect((await post('x', action)).status).toBe(404)
  })
})

describe('contacts', () => {
  const post = (contacts: unknown) => rig.ask('POST', '/api/contacts', { body: { contacts } })

  test('good ones go in and bad ones are told, without repeating them', async () => {
    const good = { holder_ref: 'acct_7', email: 'g@example.com' }
    const answer = await post([good, { holder_ref: 'acct_8', email: 'kim@@example.com' }])
    expect(answer).toMatchObject({
      status: 207,
      body: { total: 2, created: 1, rejected: 1, errors: [{ path: 'contacts.1.email' }] },
    })
    expect(JSON.stringify(answer.body)).not.toContain('kim')
    expect(await post([good])).toMatchObject({ status: 200, body: { unchanged: 1 } })
    expect(await post([{ ...good, locale: 'de' }])).toMatchObject({ body: { changed: 1 } })
  })

  test('a field that is none changes nothing of the whole request', async () => {
    const answer = await post([{ holder_ref: 'acct_9' }, { holder_ref: 'acct_9', mail: 'x' }])
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'contacts.1.mail' }] } })
    const { rows } = await sql`select from contact where holder_ref = 'acct_9'`.execute(
      rig.database.db,
    )
    expect(rows).toEqual([])
  })

  test('are erased with their browsers, once, with a trail', async () => {
    const erase = (ref: string) => rig.ask('POST', `/api/contacts/${ref}/erase`, { body: NOTE })
    await post([
      {
        holder_ref: 'acct_7',
        push_endpoint: 'https://push.example.com/7',
        push_p256dh: `B${'A'.repeat(86)}`,
        push_auth: 'A'.repeat(22),
      },
    ])
    expect(await erase('acct_7')).toMatchObject({ status: 200, body: { erased: true } })
    expect((await erase('acct_7')).status).toBe(404)
    const { rows } = await sql<{ subject: string }>`
      select subject from audit_event where action = 'contacts.erase'`.execute(rig.database.db)
    expect(rows).toEqual([{ subject: 'holder:acct_7' }])
    const left = await sql`select from push_subscription`.execute(rig.database.db)
    expect(left.rows).toEqual([])
  })

  test('are in no log line, and neither are their holders', async () => {
    expect(JSON.stringify(rig.logLines)).not.toMatch(/example\.com|2025550100|Zoë|acct_7/)
  })
})

describe('on the command line', () => {
  const run = (...words: string[]) => runCommand(rig.database.url, words)

  test('the same list and the same message', async () => {
    const { out, error } = await run('notifications', 'list', '--policy-number', 'P2', '--json')
    expect(error).toBeNull()
    expect(JSON.parse(out)).toEqual(await list('?policyNumber=P2'))
    const shown = await run('notifications', 'show', await idOf('?policyNumber=P2'))
    expect(shown.out).toContain('Subject: Wir haben Ihnen 120,00 USD gezahlt')
  })

  test('resend and suppress, with who and why', async () => {
    const queued = await idOf('?policyNumber=P3&state=QUEUED')
    const suppressed = await run('notifications', 'suppress', queued, '--reason', 'test')
    expect(suppressed).toMatchObject({ out: `${queued}\n`, error: null })
    const again = await run('notifications', 'suppress', queued, '--reason', 'test')
    expect(String(again.error)).toContain('it is SUPPRESSED')
    expect((await run('notifications', 'resend', queued, '--reason', 'test')).error).toBeNull()
    expect((await run('notifications', 'resend', queued)).error).not.toBeNull()
    expect((await run('notifications', 'show', 'x')).error).not.toBeNull()
  })

  test('contacts are imported from CSV and JSON lines, and erased', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'contacts-'))
    try {
      const csv = join(folder, 'contacts.csv')
      await writeFile(csv, 'holder_ref,email,colour\nacct_20,a@example.com,red\nacct_21,bad,blue\n')
      const first = await run('contacts', 'import', csv)
      expect(first.out).toBe('created 1, changed 0, unchanged 0, rejected 1\n')
      expect(first.err).toContain('columns that are not read: colour')
      expect(first.err).toContain(`${csv}:3: email: is not an e-mail address`)
      expect(String(first.error)).toContain('were rejected')
      const lines = join(folder, 'contacts.jsonl')
      await writeFile(lines, '{"holder_ref":"acct_20","email":"a@example.com"}\n')
      expect(await run('contacts', 'import', lines)).toMatchObject({
        out: 'created 0, changed 0, unchanged 1, rejected 0\n',
        error: null,
      })
      const erased = await run('contacts', 'erase', 'acct_20', '--reason', 'asked for')
      expect(erased).toMatchObject({ out: 'erased\n', error: null })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
