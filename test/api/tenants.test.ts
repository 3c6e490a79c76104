/**
 * What callers of a tenant may do, route by route: what is another tenant's answers as what does not exist,
 * what is the whole installation's is refused. The routes are the product's own, so none can be forgotten.
 */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { isForTenants } from '../../api/contract.ts'
import { productRoutes } from '../../scripts/generate-roles-doc.ts'
import { runCommand } from '../support/read-commands.ts'
import { createTenantRig, type Tenant, type TenantRig } from './tenant-rig.ts'

let rig: TenantRig

beforeAll(async () => {
  rig = await createTenantRig()
})
afterAll(() => rig[Symbol.asyncDispose]())

const ROUTES = productRoutes().flatMap(({ path, methods }) =>
  Object.entries(methods)
    .filter(([, contract]) => contract?.permission !== 'open')
    .map(([method, contract]) => ({
      route: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      isForTenants: isForTenants(contract),
      params: Array.from(path.matchAll(/:(\w+)/g), ([, name = '']) => name),
    })),
)
const OWN = ROUTES.filter((route) => route.isForTenants)
const HOUSE = ROUTES.filter((route) => !route.isForTenants)

/** Facts that everybody sees. */
const SHARED_PARAMS = ['code']

/** What each route takes that changes something; a note alone where nothing is said. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /api/payouts/:payoutId/payee': { payeeRef: 'acct_elsewhere' },
  'POST /api/reviews/:caseId/decide': { outcome: 'deny' },
  'POST /api/users/:userId/role': { role: 'operator' },
}
const WITHOUT_NOTE: Readonly<Record<string, object>> = {
  'POST /api/quotes/:quoteId/bind': { payee_ref: 'acct_1', policy_number: 'STOLEN-1' },
}

function bodyOf(route: string) {
  if (!route.startsWith('POST')) return {}
  return { body: WITHOUT_NOTE[route] ?? { reason: 'because', ...BODIES[route] } }
}

function pathWith(path: string, things: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(things[name] ?? name))
}

/** An answer without what names the request: its correlation id, and the thing that was asked for. */
function faceOf({ status, body }: { status: number; body: unknown }, asked: readonly string[]) {
  const { correlationId: _id, ...rest } = body as Record<string, unknown>
  return asked.reduce(
    (text, name) => text.replaceAll(name, 'THING'),
    JSON.stringify({ status, ...rest }),
  )
}

/** All rows that something could have been done to. */
async function everything(): Promise<unknown> {
  const { rows } = await sql`
    select (select json_agg(x order by x.id) from policy x) as policies,
      (select json_agg(x order by x.id) from payout x) as payouts,
      (select json_agg(x order by x.id) from review_case x) as cases,
      (select json_agg(x order by x.id) from appeal x) as appeals,
      (select json_agg(x order by x.id) from notification x) as notifications,
      (select json_agg(x order by x.id) from quote x) as quotes,
      (select json_agg(x order by x.holder_ref) from contact x) as contacts,
      (select json_agg(x order by x.id) from privacy_request x) as requests,
      (select json_agg(x order by x.id) from task x) as tasks,
      (select json_agg(x order by x.id) from auth_user x) as users,
      (select json_agg(json_build_array(x.id, x.revoked_at) order by x.id) from api_key x) as keys
  `.execute(rig.database.db)
  return rows[0]
}

describe('a thing of another tenant', () => {
  it.each(OWN.filter(({ params }) => params.length > 0))('does not exist: $route', async (one) => {
    const { route, method, path, params } = one
    if (params.every((name) => SHARED_PARAMS.includes(name))) return
    const { acme } = rig.things
    for (const name of params) expect(acme, `a thing for :${name}`).toHaveProperty(name)
    const before = await everything()
    const made = { ...acme, ...Object.fromEntries(params.map((name) => [name, randomUUID()])) }
    const asked = (things: typeof acme) =>
      rig.askAs('bluejet', method, pathWith(path, things), bodyOf(route))
    const [theirs, nobodys] = [await asked(acme), await asked(made)]
    const names = params.flatMap((name) => [acme[name] ?? '', made[name] ?? ''])
    expect(faceOf(theirs, names)).toBe(faceOf(nobodys, names))
    // A body that is wrong would be refused before anything is looked for.
    expect([200, 404], JSON.stringify(theirs.body)).toContain(theirs.status)
    expect(JSON.stringify(theirs.body)).not.toContain('acme')
    expect(await everything()).toEqual(before)
  })

  it.each(OWN.filter(({ method, params }) => method === 'GET' && params.length > 0))(
    'is there for its own and for the house: $route',
    async ({ path, params }) => {
      if (params.every((name) => SHARED_PARAMS.includes(name))) return
      const shown = await rig.askAs('acme', 'GET', pathWith(path, rig.things.acme))
      expect(shown.status, JSON.stringify(shown.body)).toBe(200)
      // Users and keys are managed within a tenant, by the house too.
      if (/users|api-keys/.test(path)) return
      const seen = await rig.askAs('default', 'GET', pathWith(path, rig.things.acme))
      expect(seen.status).toBe(200)
      expect(shown.body).toEqual(seen.body)
    },
  )
})

describe('what lists and adds up', () => {
  const lists = OWN.filter(({ method, params }) => method === 'GET' && params.length === 0)
  const queries: Readonly<Record<string, string>> = {
    '/api/exposure': '?by=product',
    '/api/loss-ratio': '?by=product',
  }

  it.each(lists)('has nothing of another tenant: $route', async ({ path }) => {
    const own = await rig.askAs('bluejet', 'GET', `${path}${queries[path] ?? ''}`)
    expect(own.status, JSON.stringify(own.body)).toBe(200)
    const text = JSON.stringify(own.body)
    const { rows } = await sql<{ word: string }>`
      select policy_number as word from policy where tenant <> 'bluejet'
      union all select o.id::text from payout o join policy p on p.id = o.policy_id
        where p.tenant <> 'bluejet'
      union all select p.id::text from policy p where p.tenant <> 'bluejet'`.execute(
      rig.database.db,
    )
    const others = [
      ...rows.map(({ word }) => word),
      ...[rig.things.acme, rig.things.default].flatMap((things) => Object.values(things)),
    ]
    expect(others.length).toBeGreaterThan(500)
    expect(others.filter((word) => text.includes(word))).toEqual([])
  })

  it('has all of its own', async () => {
    for (const tenant of ['acme', 'bluejet'] as const) {
      const { rows } = await sql<{ policies: number; payouts: number }>`
        select count(distinct p.id)::int as policies, count(o.id)::int as payouts
        from policy p left join payout o on o.policy_id = p.id
        where p.tenant = ${tenant}`.execute(rig.database.db)
      const count = async (path: string) => {
        const { body } = await rig.askAs(tenant, 'GET', `${path}?limit=200`)
        return (body as { items: unknown[] }).items.length
      }
      expect(await count('/api/policies')).toBe(rows[0]?.policies)
      expect(await count('/api/payouts')).toBe(rows[0]?.payouts)
      expect(await count('/api/reviews')).toBe(1)
      expect(await count('/api/notifications')).toBe(1)
      expect(await count('/api/privacy-requests')).toBe(1)
      expect(await count('/api/tasks')).toBe(1)
    }
  })

  it('adds up to the house’s figures over all tenants', async () => {
    const sums = async (tenant: Tenant) => {
      const { body } = await rig.askAs(tenant, 'GET', '/api/exposure?by=product')
      const { items } = body as { items: { policies: number; sumInsuredMinor: string }[] }
      return items.reduce((sum, { policies }) => sum + policies, 0)
    }
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from policy where tenant = 'acme' and outcome is null
        and state not in ('DECLINED', 'CANCELLED_BY_HOLDER')`.execute(rig.database.db)
    expect(await sums('acme')).toBe(rows[0]?.n)
    expect(await sums('default')).toBeGreaterThan((await sums('acme')) + (await sums('bluejet')))
  })

  it('is empty for a tenant that asks for another, and for one without policies', async () => {
    const { body } = await rig.askAs('bluejet', 'GET', '/api/policies?tenant=acme')
    expect(body).toEqual({ items: [], nextCursor: null })
    const tasks = await rig.askAs('bluejet', 'GET', '/api/tasks?tenant=acme')
    expect(tasks.body).toEqual({ items: [], nextCursor: null })
    const house = await rig.askAs('default', 'GET', '/api/policies?tenant=acme&limit=1')
    expect(house.body).toMatchObject({ items: [{ tenant: 'acme' }] })
  })
})

describe('what is the whole installation’s', () => {
  it.each(HOUSE)('is refused to callers of a tenant: $route', async ({ route, method, path }) => {
    const answer = await rig.askAs('bluejet', method, pathWith(path, {}), bodyOf(route))
    expect(answer.status, JSON.stringify(answer.body)).toBe(403)
    expect(answer.body).toMatchObject({
      type: 'urn:groundstop:problem:forbidden',
      detail: expect.stringContaining('for the house alone'),
    })
  })
})

/** A row of a book that may be bound today. */
const row = (number: string, more: object = {}) => {
  const [leg] = rig.legs
  return {
    ...{ policy_number: number, product: 'FD120', carrier: leg?.carrier, origin: leg?.origin },
    ...{ flight_number: leg?.flightNumber, destination: leg?.destination, currency: 'USD' },
    ...{ departure_date: leg?.originLocalDate, sum_insured: '100', payee_ref: `acct_${number}` },
    ...{ bound_at: '2013-02-01T00:00:00Z', ...more },
  }
}

describe('what a tenant brings', () => {
  it('is its own, and no other’s by name', async () => {
    const bound = await rig.askAs('acme', 'POST', '/api/policies', { body: row('N-1') })
    expect(bound.status, JSON.stringify(bound.body)).toBe(201)
    const shown = await rig.askAs('acme', 'GET', '/api/policies/N-1')
    expect(shown.body).toMatchObject({ policyNumber: 'N-1', tenant: 'acme' })
    expect((await rig.askAs('bluejet', 'GET', '/api/policies/N-1')).status).toBe(404)
    const named = { body: row('N-2', { tenant: 'bluejet' }) }
    expect(await rig.askAs('acme', 'POST', '/api/policies', named)).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'tenant' }] },
    })
    const quote = {
      ...row('x'),
      policy_number: undefined,
      payee_ref: undefined,
      bound_at: undefined,
    }
    const other = { body: { ...quote, tenant: 'bluejet' } }
    expect(await rig.askAs('acme', 'POST', '/api/quotes', other)).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'tenant' }] },
    })
  })

  it('does not meet another’s under the same key', async () => {
    const headers = { 'idempotency-key': 'the-same' }
    const first = { headers, body: row('K-1') }
    expect((await rig.askAs('acme', 'POST', '/api/policies', first)).status).toBe(201)
    const second = { headers, body: row('K-2') }
    expect((await rig.askAs('bluejet', 'POST', '/api/policies', second)).status).toBe(201)
    expect((await rig.askAs('acme', 'POST', '/api/policies', second)).status).toBe(422)
  })

  it('takes no number of another’s, and learns nothing of it', async () => {
    const answer = await rig.askAs('bluejet', 'POST', '/api/policies', {
      body: row(rig.things.acme['policyNumber'] ?? ''),
    })
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'policy_number', message: 'is the number of another policy' }] },
    })
  })
})

describe('a holder', () => {
  const keep = (holderRef: string) => {
    const contact = { holder_ref: holderRef, name: 'Mallory', email: 'mallory@bluejet.example' }
    return rig.askAs('bluejet', 'POST', '/api/contacts', { body: { contacts: [contact] } })
  }
  const ask = (holderRef: string) => {
    const body = { kind: 'export', holderRef, reason: 'letter' }
    return rig.askAs('bluejet', 'POST', '/api/privacy-requests', { body })
  }

  it('of another tenant is neither written to, nor asked for, nor paid', async () => {
    for (const { holderRef = '' } of [rig.things.acme, rig.things.default]) {
      const before = await everything()
      expect(await keep(holderRef)).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'contacts.0.holder_ref' }] },
      })
      expect(await ask(holderRef)).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'holderRef', message: 'no holder of yours has this token' }] },
      })
      const payee = `/api/payouts/${rig.things.bluejet['payoutId']}/payee`
      const body = { reason: 'moved', payeeRef: holderRef }
      expect((await rig.askAs('bluejet', 'POST', payee, { body })).status).toBe(409)
      const bound = { body: row('H-1', { payee_ref: holderRef }) }
      expect(await rig.askAs('bluejet', 'POST', '/api/policies', bound)).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'payee_ref' }] },
      })
      const quote = `/api/quotes/${rig.things.bluejet['quoteId']}/bind`
      const bind = { body: { payee_ref: holderRef, policy_number: 'H-2' } }
      expect(await rig.askAs('bluejet', 'POST', quote, bind)).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'payee_ref' }] },
      })
      expect(await everything()).toEqual(before)
    }
  })

  it('of its own is, and one that is nobody’s yet becomes its own', async () => {
    expect((await keep(rig.things.bluejet['holderRef'] ?? '')).status).toBe(200)
    expect((await keep('acct_new')).status).toBe(200)
    expect((await ask('acct_new')).status).toBe(201)
    const bound = { body: row('H-3', { payee_ref: 'acct_new' }) }
    expect((await rig.askAs('acme', 'POST', '/api/policies', bound)).status).toBe(422)
    expect((await rig.askAs('default', 'POST', '/api/policies', bound)).status).toBe(422)
    expect((await rig.askAs('bluejet', 'POST', '/api/policies', bound)).status).toBe(201)
    const shown = await rig.askAs(
      'acme',
      'GET',
      `/api/notifications/${rig.things.acme['notificationId']}`,
    )
    expect(JSON.stringify(shown.body)).toContain('Zoe of acme')
  })
})

describe('what a tenant does', () => {
  it('is done to its own things', async () => {
    const { caseId } = rig.things.bluejet
    const claim = { body: { reason: 'mine' } }
    const claimed = await rig.askAs('bluejet', 'POST', `/api/reviews/${caseId}/claim`, claim)
    expect(claimed, JSON.stringify(claimed.body)).toMatchObject({
      status: 200,
      body: { state: 'CLAIMED', assignee: 'key:bluejet-admin' },
    })
    const shown = await rig.askAs('bluejet', 'GET', `/api/reviews/${caseId}`)
    expect(shown.body).toMatchObject({ history: [{ action: 'review.claim', reason: 'mine' }] })
    const appeal = '/api/policies/R-00-04/appeals'
    const filed = await rig.askAs('bluejet', 'POST', appeal, { body: { reason: 'doors at 45' } })
    expect(filed.status, JSON.stringify(filed.body)).toBe(201)
    expect((await rig.askAs('bluejet', 'GET', appeal)).body).toMatchObject({
      appeals: [{ filedBy: 'key:bluejet-admin' }],
    })
  })
})

describe('the command line', () => {
  const acme = () => rig.things.acme
  const run = (words: readonly string[]) => runCommand(rig.database.url, words)

  it.each([
    ['policies', 'show', 'policyNumber'],
    ['policies', 'explain', 'policyNumber'],
    ['policies', 'evaluations', 'policyNumber'],
    ['policies', 'appeals', 'policyNumber'],
    ['payouts', 'show', 'payoutId'],
    ['reviews', 'show', 'caseId'],
    ['notifications', 'show', 'notificationId'],
    ['privacy', 'show', 'requestId'],
  ])('shows with --tenant what is that tenant’s alone: %s %s', async (group, command, name) => {
    const words = [group, command, acme()[name] ?? '']
    expect(await run([...words, '--tenant', 'acme'])).toMatchObject({ error: null })
    expect(await run(words)).toMatchObject({ error: null })
    const { error, out } = await run([...words, '--tenant', 'bluejet'])
    expect(error).toMatchObject({ message: expect.stringContaining('there is no') })
    expect(out).toBe('')
  })

  it.each([['policies'], ['payouts'], ['reviews'], ['notifications'], ['privacy']])(
    'lists with --tenant what is that tenant’s alone: %s',
    async (group) => {
      const list = async (...more: string[]) => {
        const { out, error } = await run([group, 'list', '--json', '--limit', '200', ...more])
        expect(error).toBeNull()
        return (JSON.parse(out) as { items: unknown[] }).items
      }
      const [own, all] = [await list('--tenant', 'bluejet'), await list()]
      expect(own.length).toBeGreaterThan(0)
      expect(all.length).toBeGreaterThan(own.length)
      expect(JSON.stringify(own)).not.toContain(acme()['policyNumber'])
    },
  )

  it('lists the tasks of a tenant, which the house times', async () => {
    const { out } = await run(['tasks', 'list', '--json', '--tenant', 'acme'])
    expect(JSON.parse(out)).toMatchObject({ items: [{ taskId: acme()['taskId'] }] })
  })

  it('says that the house is no tenant whose things could be looked at alone', async () => {
    const { error } = await run(['policies', 'list', '--tenant', 'default'])
    expect(error).toMatchObject({ message: expect.stringContaining('The house sees everything') })
  })
})

describe('procedures', () => {
  const call = (tenant: 'acme' | 'bluejet', name: string, input: object) =>
    rig.askAs(tenant, 'GET', `/api/trpc/${name}?input=${encodeURIComponent(JSON.stringify(input))}`)

  it('see what their routes see', async () => {
    const input = { policyNumber: rig.things.acme['policyNumber'] }
    expect((await call('acme', 'policies.get', input)).status).toBe(200)
    expect((await call('bluejet', 'policies.get', input)).status).toBe(404)
    expect((await call('bluejet', 'audit.list', {})).status).toBe(403)
  })

  it('let nobody of a tenant follow the runs of all', async () => {
    const answer = await rig.askAs('bluejet', 'GET', '/api/trpc/scheduler.runChanges')
    expect(JSON.stringify(answer.body)).toContain('for the house alone')
  })
})
