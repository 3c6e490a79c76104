/** Who may sign in: invitations, roles, closed accounts, sessions; each on record. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startMailServer, type RunningMailServer } from '../../simulator/mail/mail-server.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'
import { createPeople, type People } from './people.ts'

const NOTE = { by: 'ana', reason: 'new colleague' }

let mail: RunningMailServer
let rig: ApiRig
let people: People

beforeAll(async () => {
  mail = await startMailServer({ host: '127.0.0.1', port: 0, smtpPort: 0, keep: 50 })
  rig = await createApiRig({
    env: { SMTP_URL: mail.smtpUrl, NOTIFY_FROM: 'Groundstop <notices@groundstop.example>' },
  })
  people = createPeople(rig, mail)
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await mail[Symbol.asyncDispose]()
})

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return rig.ask('POST', path, { body, headers })
}

async function invite(name: string, role: string): Promise<string> {
  const body = { ...NOTE, name, role, email: `${name}@example.com` }
  const answer = await post('/api/users', body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return (answer.body as { userId: string }).userId
}

/** The cookie of somebody who was invited and chose a password. */
async function join(name: string, role: string) {
  const userId = await invite(name, role)
  const token = await people.codeFor(`${name}@example.com`, /invited/)
  const newPassword = 'seagull-lantern-42'
  expect((await post('/api/auth/reset-password', { token, newPassword })).status).toBe(200)
  return { userId, cookie: await people.signIn(`${name}@example.com`, newPassword) }
}

async function statusAs(cookie: string, path = '/api/admin/scheduler/settings') {
  return (await rig.ask('GET', path, { headers: { cookie } })).status
}

describe('an invitation', () => {
  it('opens an account by its mail, with the role that was given', async () => {
    const { cookie } = await join('vera', 'viewer')
    expect(await statusAs(cookie)).toBe(200)
    expect(await statusAs(cookie, '/api/audit')).toBe(403)
    expect(await statusAs(cookie, '/api/users')).toBe(403)
  })

  it('leads to a page of ours that loads nothing from elsewhere', async () => {
    const page = await rig.ask('GET', '/api/auth/password-form?token=x')
    const [, script = ''] = /src="([^"]+)"/.exec(String(page.body)) ?? []
    expect((await rig.ask('GET', script)).body).toContain("fetch('/api/auth/reset-password'")
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('that was not taken up lets nobody in', async () => {
    await invite('nils', 'admin')
    const body = { email: 'nils@example.com', password: 'seagull-lantern-42' }
    expect((await post('/api/auth/sign-in/email', body)).status).toBe(401)
  })

  it.each([
    ['a name that is taken', { name: 'vera', email: 'other@example.com' }, 409],
    ['an address that is taken', { name: 'other', email: 'Vera@Example.com' }, 409],
    ['a name with blanks', { name: 'a b', email: 'ab@example.com' }, 422],
    ['no address', { name: 'other', email: 'other' }, 422],
    ['an unknown role', { name: 'other', email: 'o@example.com', role: 'root' }, 422],
  ])('is refused with %s', async (_what, body, status) => {
    expect((await post('/api/users', { ...NOTE, role: 'viewer', ...body })).status).toBe(status)
  })

  it('is made once however often it is sent with a key', async () => {
    const body = { ...NOTE, name: 'kim', role: 'viewer', email: 'kim@example.com' }
    const headers = { 'idempotency-key': 'invite-kim' }
    const answers = await Promise.all([1, 2, 3].map(() => post('/api/users', body, headers)))
    expect(new Set(answers.map(({ body: answer }) => JSON.stringify(answer))).size).toBe(1)
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
  })
})

describe('a user', () => {
  it('has a new role at once, in sessions that are open as well', async () => {
    const { userId, cookie } = await join('otto', 'viewer')
    expect(await statusAs(cookie, '/api/policies')).toBe(403)
    const changed = await post(`/api/users/${userId}/role`, { ...NOTE, role: 'claims' })
    expect(changed.body).toMatchObject({ changed: true, user: { role: 'claims' } })
    expect(await statusAs(cookie, '/api/policies')).toBe(200)
    const again = await post(`/api/users/${userId}/role`, { ...NOTE, role: 'claims' })
    expect(again.body).toMatchObject({ changed: false })
  })

  it('that is disabled is out at once and stays out until enabled', async () => {
    const { userId, cookie } = await join('dora', 'operator')
    expect((await post(`/api/users/${userId}/disable`, NOTE)).status).toBe(200)
    expect(await statusAs(cookie)).toBe(200) // as everybody on this machine: the cookie is nobody's
    expect((await people.session(cookie)).session).toBeNull()
    const body = { email: 'dora@example.com', password: 'seagull-lantern-42' }
    expect(await post('/api/auth/sign-in/email', body)).toMatchObject({
      status: 403,
      body: { type: 'urn:groundstop:problem:account-disabled' },
    })
    expect((await post('/api/auth/sign-in/email', { ...body, password: 'x' })).status).toBe(401)
    expect((await post(`/api/users/${userId}/enable`, NOTE)).status).toBe(200)
    expect((await post('/api/auth/sign-in/email', body)).status).toBe(200)
  })

  it('is out of all sessions when they are revoked, and may sign in again', async () => {
    const { userId, cookie } = await join('rosa', 'viewer')
    const answer = await post(`/api/users/${userId}/revoke-sessions`, NOTE)
    expect(answer).toMatchObject({ status: 200, body: { revoked: 1 } })
    expect((await people.session(cookie)).session).toBeNull()
    await people.signIn('rosa@example.com', 'seagull-lantern-42')
  })

  it('that is the last admin stays one', async () => {
    const { userId } = await join('adam', 'admin')
    const disable = (id: string) => post(`/api/users/${id}/disable`, NOTE)
    // Nils was invited as an admin and never came: nobody could let him in.
    expect(await disable(userId)).toMatchObject({
      status: 409,
      body: { detail: 'this is the last admin: make another one first' },
    })
    const { userId: other } = await join('eva', 'admin')
    const both = await Promise.all([disable(userId), disable(other)])
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
  })

  it('of another tenant is not there', async () => {
    const userId = await invite('mona', 'viewer')
    await sql`update auth_user set tenant = 'other' where id = ${userId}`.execute(rig.database.db)
    expect((await rig.ask('GET', `/api/users/${userId}`)).status).toBe(404)
    expect((await post(`/api/users/${userId}/disable`, NOTE)).status).toBe(404)
    const { body } = await rig.ask('GET', '/api/users?limit=200')
    expect(JSON.stringify(body)).not.toContain('mona')
    expect(JSON.stringify(body)).toContain('rosa')
  })
})

describe('users', () => {
  it('are listed by name, page by page', async () => {
    const names: string[] = []
    for (let cursor = ''; ;) {
      const { body } = await rig.ask('GET', `/api/users?limit=3${cursor}`)
      const page = body as { items: { name: string }[]; nextCursor: string | null }
      names.push(...page.items.map(({ name }) => name))
      if (page.nextCursor === null) break
      cursor = `&cursor=${page.nextCursor}`
    }
    expect(names).toEqual([...new Set(names)].toSorted())
    expect(names).toContain('kim')
  })

  it('leave every change on record, once', async () => {
    const { rows } = await sql<{ action: string; actor: string; n: number }>`
      select action, actor, count(*) as n from audit_event
      where subject = 'user:dora' group by action, actor order by action`.execute(rig.database.db)
    expect(rows).toEqual([
      { action: 'user.create', actor: 'ana', n: 1 },
      { action: 'user.disable', actor: 'ana', n: 1 },
      { action: 'user.enable', actor: 'ana', n: 1 },
      { action: 'user.reset-password', actor: 'dora', n: 1 },
      { action: 'user.sign-in', actor: 'dora', n: 2 },
    ])
  })
})
