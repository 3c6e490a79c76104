/** Signing in, over a real database and a real mail server: sessions, cookies, passwords, codes. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createScryptPasswords } from '../../adapters/passwords/scrypt-passwords.ts'
import { createUserStore } from '../../db/stores/user-store.ts'
import { createFirstAdmin } from '../../operations/manage-users.ts'
import { startMailServer, type RunningMailServer } from '../../simulator/mail/mail-server.ts'
import { manualClock } from '../support/builders.ts'
import { createApiRig, RIG_NOW, type ApiRig } from './api-rig.ts'
import { cookieOf, createPeople, type People } from './people.ts'

const TOKEN = 'the-token-of-the-environment'
const ADMIN_PASSWORD = 'tulpe-kanal-orgel-7'
const ANN_PASSWORD = 'kittiwake-harbour-9'

let mail: RunningMailServer
let rig: ApiRig
let people: People
/** The password that was told once. */
let firstPassword = ''
let admin = ''

beforeAll(async () => {
  mail = await startMailServer({ host: '127.0.0.1', port: 0, smtpPort: 0, keep: 50 })
  rig = await createApiRig({
    token: TOKEN,
    env: { SMTP_URL: mail.smtpUrl, NOTIFY_FROM: 'Groundstop <notices@groundstop.example>' },
  })
  people = createPeople(rig, mail)
  const deps = {
    users: createUserStore(rig.database.db),
    clock: manualClock(RIG_NOW),
    passwords: createScryptPasswords(),
  }
  const request = { name: 'root', email: 'Root@Example.com', by: 'test', reason: 'first start' }
  const made = await createFirstAdmin(deps, request)
  firstPassword = made?.password ?? ''
  expect(await createFirstAdmin(deps, { ...request, name: 'other', email: 'o@x.de' })).toBeNull()
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await mail[Symbol.asyncDispose]()
})

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return rig.ask('POST', path, { body, headers })
}

function own(cookie: string) {
  return { cookie, origin: rig.api.url }
}

describe('the first admin', () => {
  it('must choose a password before anything else is answered', async () => {
    const cookie = await people.signIn('root@example.com', firstPassword)
    const refused = await rig.ask('GET', '/api/audit', { headers: { cookie } })
    expect(refused).toMatchObject({
      status: 403,
      body: { type: 'urn:groundstop:problem:password-change-required' },
    })
    const change = (newPassword: string, currentPassword = firstPassword) =>
      post('/api/auth/change-password', { currentPassword, newPassword }, own(cookie))
    expect((await change('short')).status).toBe(422)
    expect((await change('password1234')).body).toMatchObject({ errors: [{ path: 'newPassword' }] })
    expect((await change(firstPassword)).status).toBe(422)
    expect((await change(ADMIN_PASSWORD, 'wrong-one')).body).toMatchObject({
      errors: [{ path: 'currentPassword' }],
    })
    const changed = await change(ADMIN_PASSWORD)
    expect(changed.status, JSON.stringify(changed.body)).toBe(200)
    admin = cookieOf(changed)
    expect((await rig.ask('GET', '/api/audit', { headers: { cookie: admin } })).status).toBe(200)
  })

  it('is out of every older session, and its first password opens nothing', async () => {
    const body = { email: 'root@example.com', password: firstPassword }
    expect(await post('/api/auth/sign-in/email', body)).toMatchObject({
      status: 401,
      body: { type: 'urn:groundstop:problem:sign-in-failed' },
    })
  })

  it('is told who it is', async () => {
    const answer = await rig.ask('GET', '/api/auth/get-session', { headers: { cookie: admin } })
    expect(answer.body).toMatchObject({
      session: {
        name: 'root',
        email: 'root@example.com',
        role: 'admin',
        mustChangePassword: false,
      },
    })
    expect((await rig.ask('GET', '/api/auth/get-session')).body).toEqual({ session: null })
  })
})

describe('a session', () => {
  it('is a cookie that scripts and other sites do not get', async () => {
    const body = { email: 'root@example.com', password: ADMIN_PASSWORD }
    const answer = await post('/api/auth/sign-in/email', body)
    const cookie = answer.headers.getSetCookie().find((one) => one.includes('session_token')) ?? ''
    expect(cookie).toMatch(/HttpOnly/i)
    expect(cookie).toMatch(/SameSite=Lax/i)
    expect(cookie).not.toMatch(/Secure/)
    expect(JSON.stringify(answer.body)).not.toContain(cookie.split(/[=.]/)[2])
  })

  it.each([
    ['another site', { origin: 'https://evil.example' }, 403],
    ['a frame without a name', { origin: 'null' }, 403],
    ['nobody knows where', {}, 403],
    ['another site, as the browser says', { 'sec-fetch-site': 'cross-site' }, 403],
    ['our page, as the browser says', { 'sec-fetch-site': 'same-origin' }, 200],
  ])('changes nothing for %s', async (_from, headers: Record<string, string>, status) => {
    const body = { reason: 'drill', product: 'FD45' }
    const answer = await post('/api/payouts/controls/pause', body, { cookie: admin, ...headers })
    expect(answer.status).toBe(status)
    if (status === 403) {
      expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:cross-site' })
    }
  })

  it('acts under the name of its user', async () => {
    const body = { reason: 'drill', product: 'FD120' }
    expect((await post('/api/payouts/controls/pause', body, own(admin))).status).toBe(200)
    const trail = await rig.ask('GET', '/api/audit?action=payouts.pause', {
      headers: { cookie: admin },
    })
    expect(trail.body).toMatchObject({ items: [{ actor: 'root' }, { actor: 'root' }] })
  })

  it('is not begun for another site', async () => {
    const body = { email: 'root@example.com', password: ADMIN_PASSWORD }
    const answer = await post('/api/auth/sign-in/email', body, { origin: 'https://evil.example' })
    expect(answer.status).toBe(403)
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  it('ends by signing out', async () => {
    const cookie = await people.signIn('root@example.com', ADMIN_PASSWORD)
    expect((await post('/api/auth/sign-out', {}, own(cookie))).status).toBe(200)
    expect((await rig.ask('GET', '/api/audit', { headers: { cookie } })).status).toBe(401)
  })

  it('ends when its time is over', async () => {
    const cookie = await people.signIn('root@example.com', ADMIN_PASSWORD)
    const later = (seconds: number) =>
      sql`update auth_session set expires_at = now() + ${seconds} * interval '1 second'
        where created_at = (select max(created_at) from auth_session)`.execute(rig.database.db)
    await later(60)
    expect((await rig.ask('GET', '/api/audit', { headers: { cookie } })).status).toBe(200)
    await later(-1)
    expect((await rig.ask('GET', '/api/audit', { headers: { cookie } })).status).toBe(401)
  })

  it('is renewed when it was used after a day, and not before', async () => {
    const cookie = await people.signIn('root@example.com', ADMIN_PASSWORD)
    const expiry = async (agedH: number) => {
      await sql`update auth_session set expires_at = now() + interval '7 days' - ${agedH} * interval '1 hour'
        where created_at = (select max(created_at) from auth_session)`.execute(rig.database.db)
      const answer = await rig.ask('GET', '/api/auth/get-session', { headers: { cookie } })
      const { session } = answer.body as { session: { expiresAt: string } }
      return [(Date.parse(session.expiresAt) - Date.now()) / 3_600_000, cookieOf(answer) !== '']
    }
    expect(await expiry(23)).toEqual([expect.closeTo(145, 0), false])
    expect(await expiry(25)).toEqual([expect.closeTo(168, 0), true])
  })
})

describe('a password by mail', () => {
  const ask = (email: string) => post('/api/auth/request-password-reset', { email })

  it('is asked for with the same answer whether the address is known or not', async () => {
    expect(await ask('nobody@example.com')).toMatchObject({ status: 200, body: { done: true } })
    expect(await ask('root@example.com')).toMatchObject({ status: 200, body: { done: true } })
  })

  it('is chosen once by the code, under the policy, and ends all sessions', async () => {
    const cookie = await people.signIn('root@example.com', ADMIN_PASSWORD)
    await ask('root@example.com')
    const token = await people.codeFor('root@example.com', /password/)
    const reset = (newPassword: string) => post('/api/auth/reset-password', { token, newPassword })
    expect((await reset('password1234')).status).toBe(422)
    expect((await reset(ANN_PASSWORD)).status).toBe(200)
    expect((await rig.ask('GET', '/api/audit', { headers: { cookie } })).status).toBe(401)
    expect(await reset(ADMIN_PASSWORD)).toMatchObject({
      status: 400,
      body: { type: 'urn:groundstop:problem:code-not-valid' },
    })
    admin = await people.signIn('root@example.com', ANN_PASSWORD)
  })

  it('is not chosen by a code that has expired', async () => {
    await ask('root@example.com')
    await people.codeFor('root@example.com', /password/)
    await sql`update auth_verification set expires_at = now() - interval '1 second'`.execute(
      rig.database.db,
    )
    const token = await people.codeFor('root@example.com', /password/)
    const answer = await post('/api/auth/reset-password', { token, newPassword: ADMIN_PASSWORD })
    expect(answer.status).toBe(400)
  })
})

describe('what is kept', () => {
  it('holds no password, token or code, and no log line does', async () => {
    const cookie = await people.signIn('root@example.com', ANN_PASSWORD)
    await post('/api/auth/request-password-reset', { email: 'root@example.com' })
    const code = await people.codeFor('root@example.com', /password/)
    const tables = ['auth_user', 'auth_session', 'auth_account', 'auth_verification', 'audit_event']
    const kept = await Promise.all(
      tables.map((table) => sql`select * from ${sql.table(table)}`.execute(rig.database.db)),
    )
    const everything = JSON.stringify([kept.map(({ rows }) => rows), rig.logLines])
    const [, session = ''] = /session_token=([^.]+)/.exec(cookie) ?? []
    expect(session.length).toBeGreaterThan(20)
    for (const secret of [session, code, ANN_PASSWORD, ADMIN_PASSWORD, firstPassword]) {
      expect(everything).not.toContain(secret)
    }
    expect(JSON.stringify(rig.logLines)).not.toContain('root@example.com')
  })

  it('tells in the audit trail what users did', async () => {
    const { rows } = await sql<{ action: string }>`
      select distinct action from audit_event where actor = 'root' order by 1`.execute(
      rig.database.db,
    )
    expect(rows.map(({ action }) => action)).toEqual([
      'payouts.pause',
      'user.change-password',
      'user.reset-password',
      'user.sign-in',
      'user.sign-out',
    ])
  })
})
