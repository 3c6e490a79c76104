/** `groundstop users` and `groundstop api-keys`, and what they keep. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createUserStore } from '../../db/stores/user-store.ts'
import { tellFirstAdmin } from '../../cli/start/first-admin.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { runCommand } from '../support/read-commands.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const run = (...words: string[]) => runCommand(database.url, words)
const NOTE = ['--reason', 'drill', '--by', 'ana']

describe('the first admin', () => {
  test('is told at the first start, with a password of its own, and never again', async () => {
    const told: string[] = []
    const note = (text: string) => told.push(text)
    await Promise.all([tellFirstAdmin(database.db, note), tellFirstAdmin(database.db, note)])
    await tellFirstAdmin(database.db, note)
    expect(told).toEqual([
      expect.stringContaining('shown this once'),
      expect.stringContaining('admin@groundstop.example'),
      expect.stringMatching(/ {2}password {2}(\w{5}-){3}\w{5}$/),
    ])
    const password = told[2]?.split(' ').at(-1) ?? 'none'
    const { rows } = await sql`select * from auth_account, auth_user, audit_event`.execute(
      database.db,
    )
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain(password)
  })

  test('is listed as one who must change the password', async () => {
    const { out } = await run('users', 'list')
    expect(out).toMatch(/admin +admin@groundstop\.example +admin +must change password/)
  })
})

describe('groundstop users', () => {
  test('makes one more admin, and says why not', async () => {
    const { out } = await run(
      'users',
      'create-admin',
      '--name',
      'bea',
      '--email',
      'Bea@X.de',
      '--json',
    )
    expect(JSON.parse(out)).toMatchObject({ name: 'bea', email: 'bea@x.de' })
    const again = await run('users', 'create-admin', '--name', 'bea', '--email', 'other@x.de')
    expect(String(again.error)).toContain('there is a user bea already')
  })

  test('changes roles, closes and opens accounts, each on record', async () => {
    expect((await run('users', 'role', 'bea', 'viewer', ...NOTE)).out).toBe('bea is now viewer\n')
    expect((await run('users', 'role', 'bea', 'viewer', ...NOTE)).out).toContain('was already')
    expect((await run('users', 'disable', 'bea', ...NOTE)).out).toBe('bea is now disabled\n')
    expect((await run('users', 'enable', 'bea', ...NOTE)).out).toBe('bea is now viewer\n')
    expect((await run('users', 'revoke-sessions', 'bea', ...NOTE)).out).toContain('0 sessions')
    const { rows } = await sql<{ action: string }>`
      select action from audit_event where actor = 'ana' order by seq`.execute(database.db)
    expect(rows.map(({ action }) => action)).toEqual([
      'user.role',
      'user.disable',
      'user.enable',
      'user.revoke-sessions',
    ])
  })

  test('leaves the last admin one', async () => {
    const { error } = await run('users', 'role', 'admin', 'viewer', ...NOTE)
    expect(String(error)).toContain('this is the last admin')
  })

  test('knows no users of another tenant', async () => {
    const { error } = await run('users', 'disable', 'bea', '--tenant', 'other', ...NOTE)
    expect(String(error)).toContain('there is no user bea')
    expect(await createUserStore(database.db).findByName('default', 'bea')).not.toBeNull()
  })
})

describe('groundstop api-keys', () => {
  test('makes a key that is printed once, lists it without itself, and revokes it', async () => {
    const { out } = await run('api-keys', 'create', 'desk', '--role', 'viewer', ...NOTE)
    const secret = out.trim().split('\n').at(-1) ?? ''
    expect(secret).toMatch(/^gsk_[\w-]{43}$/)
    const list = await run('api-keys', 'list', '--json')
    expect(list.out).not.toContain(secret)
    const { items } = JSON.parse(list.out) as { items: { apiKeyId: string; hint: string }[] }
    expect(items).toMatchObject([{ name: 'desk', role: 'viewer', hint: secret.slice(0, 10) }])
    const id = items[0]?.apiKeyId ?? ''
    expect((await run('api-keys', 'revoke', id, ...NOTE)).out).toBe(`${id} is revoked\n`)
    expect((await run('api-keys', 'revoke', id, ...NOTE)).out).toContain('was already')
  })

  test.each([
    ['an unknown role', ['--role', 'root']],
    ['an end that has passed', ['--role', 'viewer', '--expires', '2020-01-01T00:00:00Z']],
    ['a thumbprint that is none', ['--role', 'viewer', '--dpop', 'x']],
  ])('makes none with %s', async (_what, options) => {
    const { out, error } = await run('api-keys', 'create', 'other', ...options, ...NOTE)
    expect([out, error]).toEqual(['', expect.anything()])
  })
})
