/** Whose word on a client's address is taken: a proxy's that the settings name, and nobody else's. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createScryptPasswords } from '../../adapters/passwords/scrypt-passwords.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { createUserStore } from '../../db/stores/user-store.ts'
import { createApiRig, RIG_NOW, type ApiRig } from './api-rig.ts'

const TOKEN = 'the-token-of-the-environment'
const PASSWORD = 'seagull-lantern-42'

let behind: ApiRig
let direct: ApiRig

beforeAll(async () => {
  const env = { API_TRUSTED_PROXIES: 'loopback, 10.0.0.0/8' }
  behind = await createApiRig({ token: TOKEN, env })
  await createSettingStore(behind.database.db).write('limits.signInAttempts', 3, 'test')
  direct = await createApiRig({ token: TOKEN, databaseUrl: behind.database.url })
})
afterAll(async () => {
  await direct[Symbol.asyncDispose]()
  await behind[Symbol.asyncDispose]()
})

async function account(name: string): Promise<string> {
  const email = `${name}@example.com`
  const hash = await createScryptPasswords().hash(PASSWORD)
  const user = { userId: randomUUID(), tenant: 'default', name, email, role: 'viewer' } as const
  await createUserStore(behind.database.db).create(
    { ...user, isEmailVerified: true, password: { hash, mustChange: false } },
    { by: 'test', reason: 'test', at: RIG_NOW },
  )
  return email
}

/** The status of a try whose headers say that it comes from `forwarded`. */
async function trial(rig: ApiRig, email: string, forwarded: string, password = 'wrong') {
  const headers = { 'x-forwarded-for': forwarded }
  const body = { email, password }
  return (await rig.ask('POST', '/api/auth/sign-in/email', { body, headers })).status
}

async function addressesOf(name: string): Promise<unknown[]> {
  const { rows } = await sql<{ from: unknown }>`
    select details -> 'from' as from from audit_event
    where actor = ${name} and action = 'user.sign-in' order by seq`.execute(behind.database.db)
  return rows.map(({ from }) => from)
}

describe('behind a proxy that is named', () => {
  it('tries of a password count for the address that it names', async () => {
    const email = await account('ann')
    for (const _try of [1, 2, 3]) expect(await trial(behind, email, '203.0.113.7')).toBe(401)
    expect(await trial(behind, email, '203.0.113.7', PASSWORD)).toBe(429)
    expect(await trial(behind, email, '203.0.113.8', PASSWORD)).toBe(200)
  })

  it('what a client claims before the proxy adds its address counts for nothing', async () => {
    const email = await account('ben')
    for (const claimed of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
      expect(await trial(behind, email, `${claimed}, 203.0.113.9`)).toBe(401)
    }
    expect(await trial(behind, email, '198.51.100.4, 203.0.113.9', PASSWORD)).toBe(429)
  })

  it('the audit trail has the address of who signed in, also through two proxies', async () => {
    const email = await account('cleo')
    expect(await trial(behind, email, '203.0.113.10, 10.1.2.3', PASSWORD)).toBe(200)
    expect(await addressesOf('cleo')).toEqual(['203.0.113.10'])
  })

  it('nobody is let in because the proxy is on this machine', async () => {
    expect((await behind.ask('GET', '/api/audit')).status).toBe(401)
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect((await behind.ask('GET', '/api/audit', { headers })).status).toBe(200)
  })
})

describe('without a proxy that is named', () => {
  it('headers change nothing: who connects is the client', async () => {
    const email = await account('dora')
    for (const claimed of ['203.0.113.21', '203.0.113.22', '203.0.113.23']) {
      expect(await trial(direct, email, claimed)).toBe(401)
    }
    expect(await trial(direct, email, '203.0.113.24', PASSWORD)).toBe(429)
    const other = await account('elsa')
    expect(await trial(direct, other, '203.0.113.25', PASSWORD)).toBe(200)
    expect(await addressesOf('elsa')).toEqual(['127.0.0.1'])
  })
})
