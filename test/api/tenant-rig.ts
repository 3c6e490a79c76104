/** A rig with a book of two partners and the house on the same flights, and an admin's key of each. */
import { sql } from 'kysely'

import { createApiKeyStore } from '../../db/stores/api-key-store.ts'
import { createContactStore } from '../../db/stores/contact-store.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import type { Database } from '../../db/client.ts'
import type { Contact } from '../../domain/contact.ts'
import { DAY_MS } from '../../domain/time.ts'
import { createApiKey } from '../../operations/manage-api-keys.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { BOOK_DECIDED_AT, makeReadBook, numberOn } from '../support/read-book.ts'
import { createApiRig, type Answer, type ApiRig, type AskOptions } from './api-rig.ts'

/** Whose policies are on every flight of the book, three in a row each. */
const TENANTS = ['acme', 'bluejet', 'default'] as const
export type Tenant = (typeof TENANTS)[number]

/** Things of a tenant by the names that paths have for them. */
export type Things = Readonly<Record<string, string>>

export type TenantRig = ApiRig & {
  /** Asks with the key of a tenant. */
  readonly askAs: (
    tenant: Tenant,
    method: string,
    path: string,
    options?: AskOptions,
  ) => Promise<Answer>
  readonly things: Readonly<Record<Tenant, Things>>
}

const TOKEN = 'the-token-of-the-house'

/** Starts it; dispose of it in `afterAll`. */
export async function createTenantRig(): Promise<TenantRig> {
  const rig = await createApiRig({ token: TOKEN, withFlights: true })
  const { db } = rig.database
  const quotes = new Map<Tenant, string>()
  for (const tenant of TENANTS) quotes.set(tenant, await quoteFor(rig, tenant))
  await makeReadBook(db, (i) => TENANTS[Math.floor(i / 3) % TENANTS.length] ?? 'default')
  await createClockStore(db).set({ now: BOOK_DECIDED_AT, speed: 0 })
  const secrets = new Map<Tenant, string>()
  const things = new Map<Tenant, Things>()
  for (const tenant of TENANTS) {
    const { secret, apiKeyId } = await keyOf(db, tenant)
    secrets.set(tenant, secret)
    const quoteId = quotes.get(tenant) ?? ''
    const id = await runFor(rig, tenant)
    things.set(tenant, { ...(await makeThings(db, tenant)), quoteId, apiKeyId, id })
  }
  return {
    ...rig,
    things: Object.fromEntries(things) as Record<Tenant, Things>, // one of each
    askAs: (tenant, method, path, options = {}) => {
      const authorization = `Bearer ${secrets.get(tenant) ?? ''}`
      return rig.ask(method, path, { ...options, headers: { authorization, ...options.headers } })
    },
  }
}

async function quoteFor(rig: ApiRig, tenant: Tenant): Promise<string> {
  const [leg] = rig.legs
  if (leg === undefined) throw new Error('no flight of the next day')
  const body = {
    ...{ product: 'FD120', carrier: leg.carrier, flight_number: leg.flightNumber },
    ...{ origin: leg.origin, destination: leg.destination, departure_date: leg.originLocalDate },
    ...{ sum_insured: '250.00', currency: 'USD', tenant },
  }
  const headers = { authorization: `Bearer ${TOKEN}` }
  const { status, body: quote } = await rig.ask('POST', '/api/quotes', { body, headers })
  if (status !== 201) throw new Error(JSON.stringify(quote))
  return (quote as { quoteId: string }).quoteId
}

/** What each tenant's run does: runs of one task are one run. */
const TASKS: Readonly<Record<Tenant, string>> = {
  acme: 'analyze',
  bluejet: 'reindex',
  default: 'vacuum',
}

/** A run that waits for tomorrow, for a tenant. */
async function runFor(rig: ApiRig, tenant: Tenant): Promise<string> {
  const executeAt = new Date(Date.now() + DAY_MS).toISOString()
  const body = { type: 'MAINTENANCE', executeAt, payload: { task: TASKS[tenant] }, tenant }
  const headers = { authorization: `Bearer ${TOKEN}` }
  const path = '/api/admin/scheduler/jobs'
  const { status, body: run } = await rig.ask('POST', path, { body, headers })
  if (status !== 201) throw new Error(JSON.stringify(run))
  return (run as { id: string }).id
}

async function keyOf(db: Database, tenant: Tenant) {
  const wallClock = createSystemClock()
  const deps = { apiKeys: createApiKeyStore(db), clock: wallClock, wallClock }
  const made = await createApiKey(deps, {
    ...{ tenant, name: `${tenant}-admin`, role: 'admin', expiresAt: null, dpopThumbprint: null },
    ...{ by: 'test', reason: 'rig' },
  })
  return { secret: made.secret, apiKeyId: made.apiKey.apiKeyId }
}

/** 45 minutes late, which FD45 pays for; each tenant's first policy there is one. */
const PAYING_LEG = 3

function contactOf(holderRef: string, tenant: Tenant): Contact {
  const names = { displayName: `Zoe of ${tenant}`, email: `zoe@${tenant}.example`, phone: null }
  return { holderRef, ...names, locale: 'en', channels: ['email'], push: null }
}

/** The first place of a tenant on every flight. */
const FIRST: Readonly<Record<Tenant, number>> = { acme: 0, bluejet: 3, default: 6 }

/** A policy with a payout that waits, a case about it, and what else has a name of its own. */
async function makeThings(db: Database, tenant: Tenant): Promise<Things> {
  const policyNumber = numberOn(PAYING_LEG, FIRST[tenant])
  const { rows } = await sql<{ id: string; payoutId: string; payeeRef: string }>`
    select p.id, o.id as "payoutId", p.payee_ref as "payeeRef"
    from policy p join payout o on o.policy_id = p.id
    where p.policy_number = ${policyNumber} and p.tenant = ${tenant}`.execute(db)
  const [policy] = rows
  if (policy === undefined) throw new Error(`${policyNumber} has no payout`)
  const [caseId, notificationId, taskId, userId] = [1, 2, 3, 4].map(
    (n) => `${n}${n}${n}${n}${n}${n}${n}${n}-0000-4000-8000-00000000000${FIRST[tenant]}`,
  ) as [string, string, string, string] // as many as numbers
  await sql`
    insert into review_case (id, subject_kind, subject_id, reason_code, opened_at)
    values (${caseId}, 'payout', ${policy.payoutId}, 'PAYEE', '2013-03-10Z')`.execute(db)
  await sql`
    insert into notification (id, audience, template, template_version, locale, channel, to_ref,
      policy_id)
    values (${notificationId}, 'holder', 'policy-bound', 1, 'en', 'email', ${policy.payeeRef},
      ${policy.id})`.execute(db)
  await sql`
    insert into task (id, tenant, owner, job, input, priority, timing, tolerance_min, due_at,
      timed_at, reason, look_at)
    values (${taskId}, ${tenant}, 'ana', 'maintenance', '{"task": "analyze"}', 'LOW',
      '{"kind": "once", "at": "2031-01-01T00:00:00.000Z"}', 5, '2031-01-01Z', now(), 'drill',
      '2031-01-01Z')`.execute(db)
  await sql`
    insert into auth_user (id, tenant, name, email, role, email_verified)
    values (${userId}, ${tenant}, ${`ben-${tenant}`}, ${`ben@${tenant}.example`}, 'viewer', true)`.execute(
    db,
  )
  const requestId = caseId.replaceAll('1', '5')
  await createContactStore(db, null).save([contactOf(policy.payeeRef, tenant)])
  await sql`
    insert into privacy_request (id, kind, holder_ref, received_at, due_at, received_by)
    values (${requestId}, 'export', ${policy.payeeRef}, now(), now() + interval '30 days', 'ana')
  `.execute(db)
  const ids = { payoutId: policy.payoutId, policyId: policy.id, holderRef: policy.payeeRef }
  return { policyNumber, ...ids, caseId, notificationId, taskId, userId, requestId }
}
