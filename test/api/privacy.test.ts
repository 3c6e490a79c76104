/** Requests of persons through both doors: written down, answered, handed out by a link that ends. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createPrivacyExports } from '../../adapters/files/privacy-exports.ts'
import { createPersonDataSource } from '../../db/stores/person-data.ts'
import { createPersonSeals } from '../../db/stores/person-seals.ts'
import { createPrivacyRequestStore } from '../../db/stores/privacy-request-store.ts'
import { addMs, DAY_MS, instantFromMs } from '../../domain/time.ts'
import { fulfilPrivacyRequest } from '../../operations/fulfil-privacy-request.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { pay } from '../support/notification-book.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { runCommand } from '../support/read-commands.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const PATH = '/api/privacy-requests'
const NOTE = { by: 'user:ana', reason: 'a letter of the holder' }
const NOBODY = '00000000-0000-4000-8000-000000000000'

let folder = ''
let rig: ApiRig

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-privacy-'))
  rig = await createApiRig({ env: { PRIVACY_EXPORTS_DIR: folder } })
  await makePayoutBook(rig.database.db, { size: 3 })
  const contacts = [
    { holder_ref: 'acct_1', name: 'Zoë', email: 'zoe@example.com', phone: '+12025550100' },
  ]
  await rig.ask('POST', '/api/contacts', { body: { contacts } })
  await pay(rig.database.db, 'P1')
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

type Shown = { readonly requestId: string; readonly receivedAt: string; readonly dueAt: string }

const post = (path: string, body: unknown, headers = {}) => rig.ask('POST', path, { body, headers })

async function receive(change: Record<string, unknown> = {}): Promise<Shown> {
  const body = { kind: 'export', holderRef: 'acct_1', ...NOTE, ...change }
  const answer = await post(PATH, body)
  expect([200, 201]).toContain(answer.status)
  return answer.body as Shown
}

/** As the run of a worker does. */
async function fulfil(requestId: string) {
  const { db } = rig.database
  const deps = {
    privacyRequests: createPrivacyRequestStore(db),
    personData: createPersonDataSource(db, null),
    personSeals: createPersonSeals(db, null),
    privacyExports: createPrivacyExports(folder),
    clock: createSystemClock(),
    wallNow: () => instantFromMs(Date.now()),
  }
  return fulfilPrivacyRequest(deps, requestId)
}

async function link(requestId: string): Promise<string> {
  const answer = await post(`${PATH}/${requestId}/link`, NOTE)
  expect(answer).toMatchObject({ status: 201, body: { tries: 5 } })
  return (answer.body as { path: string }).path
}

describe('a request', () => {
  test('is written down with its month, starts a run, and is the same one while it waits', async () => {
    const first = await post(PATH, { kind: 'export', holderRef: 'acct_9', ...NOTE })
    expect(first).toMatchObject({
      status: 201,
      body: { state: 'RECEIVED', isOverdue: false, receivedBy: 'user:ana', link: null, file: null },
    })
    const { requestId } = first.body as Shown
    const again = await post(PATH, { kind: 'export', holderRef: 'acct_9', ...NOTE })
    expect(again).toMatchObject({ status: 200, body: { requestId } })
    const handle = rig.client.workflow.getHandle(`privacy-request:${requestId}`)
    expect((await handle.describe()).status.name).toBe('RUNNING')
    expect((await rig.ask('GET', `${PATH}/${requestId}`)).body).toEqual(first.body)
  })

  test('counts from when it arrived, not from when it was written down', async () => {
    const receivedAt = addMs(instantFromMs(Date.now()), -40 * DAY_MS)
    const late = await receive({ holderRef: 'acct_8', receivedAt })
    expect(late).toMatchObject({ receivedAt, isOverdue: true })
    const { body } = await rig.ask('GET', `${PATH}?isOverdue=true`)
    expect((body as { items: Shown[] }).items).toMatchObject([{ requestId: late.requestId }])
    const { out } = await runCommand(rig.database.url, ['privacy', 'list', '--overdue'])
    expect(out).toMatch(new RegExp(`${late.requestId} +export +acct_8 +RECEIVED, late`))
    const scraped = await (await fetch(`${rig.api.metricsUrl}/metrics`)).text()
    expect(scraped).toContain('groundstop_privacy_requests_overdue{kind="export"} 1')
    expect(scraped).toContain('groundstop_privacy_requests_overdue{kind="erasure"} 0')
  })

  test.each([
    { kind: 'rectification' },
    { holderRef: 'two words' },
    { receivedAt: '2999-01-01T00:00:00Z' },
    { receivedAt: 'yesterday' },
    { reason: ' ' },
  ])('is refused with %o', async (change) => {
    const body = { kind: 'export', holderRef: 'acct_1', ...NOTE, ...change }
    expect((await post(PATH, body)).status).toBe(422)
  })

  test('is refused by a person once, with a reason, and then answered by nobody', async () => {
    const { requestId } = await receive({ holderRef: 'acct_7' })
    const refused = await post(`${PATH}/${requestId}/refuse`, NOTE)
    expect(refused).toMatchObject({ status: 200, body: { state: 'REFUSED', refusal: NOTE.reason } })
    expect((await post(`${PATH}/${requestId}/refuse`, NOTE)).status).toBe(409)
    expect(await fulfil(requestId)).toEqual({ outcome: 'refused', reason: NOTE.reason })
    expect((await post(`${PATH}/${requestId}/link`, NOTE)).status).toBe(409)
  })

  test.each(['', '/refuse', '/link'])('that is not there is not found: %s', async (action) => {
    const method = action === '' ? 'GET' : 'POST'
    const options = action === '' ? {} : { body: NOTE }
    expect((await rig.ask(method, `${PATH}/${NOBODY}${action}`, options)).status).toBe(404)
  })
})

describe('a copy', () => {
  let requestId = ''

  beforeAll(async () => {
    requestId = (await receive()).requestId
    expect(await fulfil(requestId)).toMatchObject({ outcome: 'fulfilled' })
  })

  test('has everything of the person and of nobody else, with its checksum', async () => {
    const answer = await rig.ask('GET', await link(requestId))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.body).toMatchObject({
      format: 'groundstop-person/1',
      holderRef: 'acct_1',
      contact: { displayName: 'Zoë', email: 'zoe@example.com', phone: '+12025550100' },
      policies: [{ policyNumber: 'P1' }],
      evaluations: [{ policyNumber: 'P1' }],
      payouts: [{ policyNumber: 'P1', state: 'PAID' }],
      appeals: [],
    })
    expect(JSON.stringify(answer.body)).not.toContain('acct_2')
    const content = `${JSON.stringify(answer.body, null, 2)}\n`
    const sha256 = createHash('sha256').update(content)
    const base64 = Buffer.from(sha256.copy().digest()).toString('base64')
    expect(answer.headers.get('digest')).toBe(`sha-256=${base64}`)
    expect((await rig.ask('GET', `${PATH}/${requestId}`)).body).toMatchObject({
      state: 'FULFILLED',
      file: { sha256: sha256.digest('hex') },
      link: { triesLeft: 4 },
    })
  })

  test('opens five times, and wrong tries are counted', async () => {
    const path = await link(requestId)
    const wrong = path.replace(/.{5}$/, 'AAAAA')
    expect((await rig.ask('GET', path)).status).toBe(200)
    for (let n = 0; n < 3; n += 1) expect((await rig.ask('GET', wrong)).status).toBe(404)
    expect((await rig.ask('GET', path)).status).toBe(200)
    expect((await rig.ask('GET', path)).status).toBe(404)
  })

  test('opens by the newest link alone, and by none that has expired', async () => {
    const [old, path] = [await link(requestId), await link(requestId)]
    expect((await rig.ask('GET', old)).status).toBe(404)
    const age = async (interval: string) =>
      sql`update privacy_request set link_expires_at = now() + ${interval}::interval
        where id = ${requestId}::uuid`.execute(rig.database.db)
    await age('-1 second')
    expect((await rig.ask('GET', path)).status).toBe(404)
    await age('1 minute')
    expect((await rig.ask('GET', path)).status).toBe(200)
  })

  test('is put out once per key, and shown in the first answer alone', async () => {
    const headers = { 'idempotency-key': 'link-1' }
    const first = await post(`${PATH}/${requestId}/link`, NOTE, headers)
    expect((first.body as { path: string }).path).toMatch(/^\/api\/privacy-exports\//)
    const again = await post(`${PATH}/${requestId}/link`, NOTE, headers)
    expect(again.body).toEqual({ ...(first.body as object), path: null })
  })

  test('that was meddled with is not handed out', async () => {
    await writeFile(join(folder, requestId, 'export.json.sealed'), '{"policies": []}')
    expect((await rig.ask('GET', await link(requestId))).status).toBe(409)
  })

  test('is older than seven days: no link is put out', async () => {
    await sql`update privacy_request set closed_at = now() - interval '8 days'
      where id = ${requestId}::uuid`.execute(rig.database.db)
    expect((await post(`${PATH}/${requestId}/link`, NOTE)).status).toBe(409)
  })

  test('leaves a trail without any link, and no line of a log has one', async () => {
    const { rows } = await sql<{ action: string }>`
      select action, details::text from audit_event
      where subject = ${`privacy-request:${requestId}`} order by seq`.execute(rig.database.db)
    const actions = rows.map(({ action }) => action)
    expect(actions.slice(0, 5)).toEqual([
      'privacy.receive',
      'privacy.begin',
      'privacy.fulfil',
      'privacy.link',
      'privacy.fetch',
    ])
    expect(actions.filter((action) => action === 'privacy.wrong-link')).toHaveLength(4)
    const path = await rig.database.db.selectFrom('idempotent_request').selectAll().execute()
    expect(JSON.stringify([rows, path, rig.logLines])).not.toMatch(/privacy-exports\/[0-9a-f]{8}-/)
  })
})

describe('on the command line', () => {
  const run = (...words: string[]) =>
    runCommand(rig.database.url, words, { PRIVACY_EXPORTS_DIR: folder })

  test('the same request is shown, and a link to its copy printed', async () => {
    const { requestId } = await receive({ holderRef: 'acct_2' })
    await fulfil(requestId)
    const shown = await run('privacy', 'show', requestId)
    expect(shown.out).toMatch(/state +FULFILLED/)
    const { out } = await run('privacy', 'link', requestId, '--reason', 'asked by phone')
    const path = /\/api\/privacy-exports\/\S+/.exec(out)?.[0] ?? ''
    expect(await rig.ask('GET', path)).toMatchObject({ body: { holderRef: 'acct_2' } })
  })

  test('a request is refused, once', async () => {
    const { requestId } = await receive({ holderRef: 'acct_3' })
    const words = ['privacy', 'refuse', requestId, '--reason', 'identity not shown']
    expect((await run(...words)).out).toMatch(/refused because +identity not shown/)
    expect(String((await run(...words)).error)).toContain('is REFUSED already')
  })
})
