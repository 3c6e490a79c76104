/** How often callers may call and passwords may be tried, also where two processes serve the same database. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createScryptPasswords } from '../../adapters/passwords/scrypt-passwords.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { createUserStore } from '../../db/stores/user-store.ts'
import { createApiRig, RIG_NOW, type ApiRig } from './api-rig.ts'

const PASSWORD = 'seagull-lantern-42'
const SIGN_IN = '/api/auth/sign-in/email'

let rig: ApiRig
let other: ApiRig
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limits-'))
  const file = join(folder, 'tokens.json')
  const names = ['reader', 'changer', 'starter']
  const grants = names.map((name) => ({
    name,
    role: 'operator',
    sha256: createHash('sha256').update(tokenOf(name)).digest('hex'),
  }))
  await writeFile(file, JSON.stringify(grants))
  const env = { API_TOKENS_FILE: file, SMTP_URL: 'smtp://127.0.0.1:9', NOTIFY_FROM: 'a@x.de' }
  rig = await createApiRig({ env })
  // Least what may be set: a limit of one reader is reached by 60 requests.
  const settings = createSettingStore(rig.database.db)
  await settings.write('limits.readsPerMinute', 60, 'test')
  await settings.write('limits.changesPerMinute', 10, 'test')
  await settings.write('limits.jobStartsPerMinute', 2, 'test')
  await settings.write('limits.signInAttempts', 3, 'test')
  other = await createApiRig({ env, databaseUrl: rig.database.url })
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function tokenOf(name: string): string {
  return `a-token-of-the-${name}`
}

const bearer = (name: string) => ({ headers: { authorization: `Bearer ${tokenOf(name)}` } })

describe('a caller', () => {
  it('may read as often as the setting says, and is told how often that is', async () => {
    const path = '/api/airports/JFK'
    const ask = () => rig.ask('GET', path, bearer('reader'))
    const first = await ask()
    expect(first.headers.get('ratelimit-policy')).toBe('"read";q=60;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"read";r=59;t=(59|60)$/)
    const more = await Promise.all(Array.from({ length: 59 }, ask))
    expect(more.filter(({ status }) => status === 429)).toEqual([])
    const refused = await ask()
    expect(refused).toMatchObject({
      status: 429,
      body: { type: 'urn:groundstop:problem:too-many-requests' },
    })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30)
    expect(refused.headers.get('ratelimit')).toMatch(/^"read";r=0;/)
    // Others have their own, and so have changes.
    expect((await rig.ask('GET', path, bearer('changer'))).status).toBe(404)
    const change = await rig.ask('POST', '/api/contacts', { ...bearer('reader'), body: {} })
    expect(change.status).toBe(403)
  })

  it('may change less than it may read', async () => {
    const ask = () =>
      rig.ask('POST', '/api/payouts/controls/pause', { ...bearer('changer'), body: {} })
    const answers = await Promise.all(Array.from({ length: 11 }, ask))
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
  })

  it('may start the fewest runs, by whichever process', async () => {
    const ask = (at: ApiRig) =>
      at.ask('POST', '/api/admin/scheduler/jobs', { ...bearer('starter'), body: {} })
    const statuses = [await ask(rig), await ask(other), await ask(rig), await ask(other)]
    expect(statuses.map(({ status }) => status)).toEqual([422, 422, 429, 429])
  })
})

describe('tries of a password', () => {
  async function accountOf(name: string): Promise<string> {
    const { db } = rig.database
    const email = `${name}@example.com`
    const hash = await createScryptPasswords().hash(PASSWORD)
    const user = { userId: randomUUID(), tenant: 'default', name, email, role: 'viewer' } as const
    await createUserStore(db).create(
      { ...user, isEmailVerified: true, password: { hash, mustChange: false } },
      { by: 'test', reason: 'test', at: RIG_NOW },
    )
    return email
  }
  const guess = (at: ApiRig, email: string, password = 'wrong') =>
    at.ask('POST', SIGN_IN, { body: { email, password } })

  /** Lets the lock-outs of everybody end. */
  const wait = () =>
    sql`update rate_limit set expire = 0 where key not like '%lock-outs%'`.execute(rig.database.db)

  it('are three, by whichever process; then even the right one is not looked at', async () => {
    const email = await accountOf('ulla')
    const wrong = [await guess(rig, email), await guess(other, email), await guess(rig, email)]
    expect(wrong.map(({ status }) => status)).toEqual([401, 401, 401])
    const locked = await guess(other, email, PASSWORD)
    expect(locked.status).toBe(429)
    expect(locked.headers.get('retry-after')).toBe('60')
    expect((await guess(rig, email, PASSWORD)).status).toBe(429)
  })

  it('lock out twice as long each time, until the right one comes', async () => {
    const email = await accountOf('wim')
    const waits: unknown[] = []
    for (const _round of [1, 2, 3]) {
      for (const _try of [1, 2, 3]) await guess(rig, email)
      waits.push((await guess(rig, email)).headers.get('retry-after'))
      await wait()
    }
    expect(waits).toEqual(['60', '120', '240'])
    expect((await guess(rig, email, PASSWORD)).status).toBe(200)
    for (const _try of [1, 2, 3]) await guess(rig, email)
    expect((await guess(rig, email)).headers.get('retry-after')).toBe('60')
  })

  it('are forgotten when the right one comes in time', async () => {
    const email = await accountOf('xeno')
    for (const _round of [1, 2, 3]) {
      expect((await guess(rig, email)).status).toBe(401)
      expect((await guess(rig, email)).status).toBe(401)
      expect((await guess(rig, email, PASSWORD)).status).toBe(200)
    }
  })

  it('are counted once however many come at once', async () => {
    const email = await accountOf('yara')
    const answers = await Promise.all(Array.from({ length: 12 }, () => guess(rig, email)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3)
  })

  it('are counted without the address of anybody', async () => {
    const { rows } = await sql<{ key: string }>`select key from rate_limit`.execute(rig.database.db)
    expect(rows.length).toBeGreaterThan(3)
    expect(JSON.stringify(rows)).not.toMatch(/example\.com|127\.0\.0\.1/)
  })
})

describe('mails with a code', () => {
  it('are five an hour to an address, known or not', async () => {
    const body = { email: 'nobody@example.com' }
    const ask = () => rig.ask('POST', '/api/auth/request-password-reset', { body })
    const answers = await Promise.all(Array.from({ length: 6 }, ask))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 200, 200, 200, 200, 429,
    ])
  })
})
