/** What each role may do at each route, who acts, and what a token file must look like. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { isAllowed, ROLES, type Role } from '../../api/roles.ts'
import { readTokenFile } from '../../api/token-file.ts'
import { createRunStore } from '../../db/stores/run-store.ts'
import { instantFromMs } from '../../domain/time.ts'
import { productProcedures, productRoutes } from '../../scripts/generate-roles-doc.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'
import { askProcedure, eventsOf } from './procedure-calls.ts'

const ADMIN_TOKEN = 'the-token-of-the-environment'
const tokenOf = (role: Role) => `a-token-of-the-role-${role}`
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

let folder = ''
let rig: ApiRig

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roles-'))
  const file = join(folder, 'tokens.json')
  const grants = ROLES.map((role) => ({ name: `${role}-1`, role, sha256: sha256(tokenOf(role)) }))
  await writeFile(file, JSON.stringify(grants))
  const livePace = { pollMs: 50, recheckMs: 10_000 }
  rig = await createApiRig({ token: ADMIN_TOKEN, env: { API_TOKENS_FILE: file }, livePace })
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const CASES = productRoutes().flatMap(({ path, methods }) =>
  Object.entries(methods).flatMap(([method, contract]) =>
    ROLES.map((role) => ({
      role,
      method: method.toUpperCase(),
      path: path.replaceAll(/:\w+/g, 'none'),
      needs: contract === null ? null : contract.permission,
    })),
  ),
)

const METHODS = { query: 'GET', mutation: 'POST' } as const
const PROCEDURES = productProcedures().flatMap((entry) => ROLES.map((role) => ({ ...entry, role })))

/** The problem that a subscription begins with; null when it tells something, or has nothing to tell. */
async function refusalOf(name: string, headers: Readonly<Record<string, string>>) {
  using leaving = new DisposableStack()
  const abort = leaving.adopt(new AbortController(), (one) => one.abort())
  // What it goes on after is none of its ids: one that has nothing to tell says so.
  const response = await fetch(`${rig.api.url}/api/trpc/${name}`, {
    headers: { ...headers, 'last-event-id': 'none' },
    signal: abort.signal,
  })
  for await (const { event, data } of eventsOf(response)) {
    if (event === 'serialized-error') return (data as { data: { problem: unknown } }).data.problem
    if (event === 'message') return null
  }
  return null
}

describe('roles', () => {
  it.each(CASES)('$role: $method $path', async ({ role, method, path, needs }) => {
    // An empty body is refused by every route that reads one: nothing is changed here.
    const body = method === 'POST' ? { body: {} } : {}
    const answer = await rig.ask(method, path, { headers: bearer(tokenOf(role)), ...body })
    const mayCall = needs === 'open' || isAllowed(role, needs)
    if (mayCall) expect(answer.status).not.toBe(403)
    else {
      expect(answer.status).toBe(403)
      expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:forbidden' })
    }
    // Those who ask for a session do not take a token for it.
    if (!path.startsWith('/api/auth/')) expect(answer.status).not.toBe(401)
  })

  it.each(PROCEDURES)(
    '$role: $kind $name, which needs $permission',
    async ({ name, kind, routes, permission, role }) => {
      const parts = [...(routes[0] ?? '').matchAll(/:(\w+)/g)].map(([, part = '']) => part)
      // As above: nothing is changed by an empty body.
      const input = { ...Object.fromEntries(parts.map((part) => [part, 'none'])), body: {} }
      const headers = bearer(tokenOf(role))
      const told =
        kind === 'subscription'
          ? await refusalOf(name, headers)
          : (await askProcedure(rig, name, METHODS[kind], { input, headers })).body
      const forbidden = { type: 'urn:groundstop:problem:forbidden', status: 403 }
      const mayCall = permission === 'open' || isAllowed(role, permission)
      if (mayCall) expect(told).not.toMatchObject(forbidden)
      else expect(told).toMatchObject(forbidden)
      expect(told).not.toMatchObject({ status: 401 })
    },
  )

  it('let the token of the environment do everything', async () => {
    const headers = bearer(ADMIN_TOKEN)
    expect((await rig.ask('GET', '/api/audit', { headers })).status).toBe(200)
  })

  it.each([
    ['none', ''],
    ['one letter more', `${tokenOf('admin')}x`],
    ['the hash that the file holds', sha256(tokenOf('admin'))],
  ])('let nobody in with %s', async (_what, token) => {
    expect((await rig.ask('GET', '/api/audit', { headers: bearer(token) })).status).toBe(401)
  })

  it('show a run to all, what went in and came out only with the permission', async () => {
    const headers = bearer(tokenOf('operator'))
    const executeAt = new Date(Date.now() + 86_400_000).toISOString()
    const body = { type: 'MAINTENANCE', executeAt, payload: { task: 'analyze' } }
    const started = await rig.ask('POST', '/api/admin/scheduler/jobs', { body, headers })
    expect(started.status, JSON.stringify(started.body)).toBe(201)
    const { id } = started.body as { id: string }
    const path = `/api/admin/scheduler/jobs/${encodeURIComponent(id)}`
    const maybe = ['input', 'result', 'withheld']
    const seen = async (role: Role) => {
      const answer = await rig.ask('GET', path, { headers: bearer(tokenOf(role)) })
      expect(answer).toMatchObject({ status: 200, body: { id, status: 'scheduled', error: null } })
      return Object.keys(answer.body as object).filter((key) => maybe.includes(key))
    }
    expect(await seen('operator')).toEqual(['input', 'result'])
    expect(await seen('admin')).toEqual(['input', 'result'])
    expect(await seen('viewer')).toEqual(['withheld'])
    expect(await seen('claims')).toEqual(['withheld'])
    expect((await rig.ask('DELETE', path, { headers })).status).toBe(202)
  })

  it('show a dead letter to all, and say so where its input is withheld', async () => {
    const [runId, at] = [randomUUID(), instantFromMs(Date.now())]
    const runs = createRunStore(rig.database.db)
    await runs.save([
      {
        ...{ runId, workflowId: 'maintenance:x', job: 'maintenance', status: 'failed' },
        ...{ state: null, trigger: 'api', priority: 'LOW', queue: 'maintenance', isStuck: false },
        ...{ scheduleId: null, nominalAt: null, requestedAt: at, startedAt: at, closedAt: at },
      },
    ])
    const end = { type: 'Other', message: 'x', nextRunId: null, version: null, isDead: true }
    await runs.saveEnds([{ runId, ...end }])
    const path = `/api/admin/scheduler/dead-letters/${runId}`
    const seen = async (role: Role) =>
      (await rig.ask('GET', path, { headers: bearer(tokenOf(role)) })).body
    expect(await seen('operator')).toMatchObject({ runId, input: null })
    expect(await seen('viewer')).toMatchObject({ runId, withheld: true })
    expect(await seen('viewer')).not.toHaveProperty('input')
  })

  it('show a task to all, and say so where its input is withheld', async () => {
    const when = { executeAt: new Date(Date.now() + 86_400_000).toISOString() }
    const body = { type: 'MAINTENANCE', when, payload: { task: 'analyze' }, reason: 'drill' }
    const headers = bearer(tokenOf('operator'))
    const made = await rig.ask('POST', '/api/tasks', { body, headers })
    expect(made, JSON.stringify(made.body)).toMatchObject({ status: 201, body: { input: {} } })
    const { taskId } = made.body as { taskId: string }
    const seen = async (role: Role) =>
      (await rig.ask('GET', `/api/tasks/${taskId}`, { headers: bearer(tokenOf(role)) })).body
    expect(await seen('operator')).not.toHaveProperty('withheld')
    expect(await seen('viewer')).toMatchObject({ taskId, withheld: true })
    expect(await seen('viewer')).not.toHaveProperty('input')
  })
})

describe('the actor', () => {
  const pause = (token: string, body: object) =>
    rig.ask('POST', '/api/payouts/controls/pause', { headers: bearer(token), body })
  const actors = async () => {
    const path = '/api/audit?action=payouts.pause'
    const { body } = await rig.ask('GET', path, { headers: bearer(ADMIN_TOKEN) })
    return (body as { items: { actor: string }[] }).items.map(({ actor }) => actor)
  }

  it('of a named token is its name, given or left out', async () => {
    const operator = tokenOf('operator')
    expect((await pause(operator, { reason: 'drill', product: 'FD45' })).status).toBe(200)
    const named = { reason: 'drill', product: 'FD120', by: 'operator-1' }
    expect((await pause(operator, named)).status).toBe(200)
    expect(await actors()).toEqual(['operator-1', 'operator-1'])
  })

  it('of a named token is nobody else', async () => {
    const before = await actors()
    const answer = await pause(tokenOf('operator'), { reason: 'drill', by: 'ann' })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'by' }] } })
    expect(await actors()).toEqual(before)
  })

  it('of the one token is who it says', async () => {
    expect((await pause(ADMIN_TOKEN, { reason: 'drill' })).status).toBe(422)
    expect((await pause(ADMIN_TOKEN, { reason: 'drill', by: 'ann' })).status).toBe(200)
    expect((await actors())[0]).toBe('ann')
  })
})

describe('a token file', () => {
  const good = { name: 'ann', role: 'claims', sha256: sha256('x') }
  it.each([
    ['that is missing', null, 'cannot be read'],
    ['that is not JSON', '[{', 'is not JSON'],
    [
      'with a role that there is not',
      [{ ...good, role: 'root' }],
      'is not a list of tokens: 0.role',
    ],
    [
      'with a token itself',
      [{ ...good, sha256: 'secret-token' }],
      'is not a list of tokens: 0.sha256',
    ],
    ['without tokens', [], 'is not a list of tokens'],
    ['with a name twice', [good, { ...good, sha256: sha256('y') }], 'has the name ann twice'],
    ['with a hash twice', [good, { ...good, name: 'bob' }], 'has the sha256'],
  ])('%s stops the start', async (_what, content, told) => {
    const path = join(folder, 'other.json')
    await rm(path, { force: true })
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    if (content !== null) await writeFile(path, text)
    await expect(readTokenFile(path)).rejects.toThrow(`API_TOKENS_FILE names a file that ${told}`)
  })

  it('is read with several tokens', async () => {
    const path = join(folder, 'good.json')
    await writeFile(path, JSON.stringify([good]))
    expect(await readTokenFile(path)).toEqual([good])
  })
})

describe('the document and its page', () => {
  it('need no token, and the page loads nothing from elsewhere', async () => {
    const { body } = await rig.ask('GET', '/api/openapi.json')
    expect(body).toMatchObject({ openapi: '3.1.0' })
    const page = await rig.ask('GET', '/api/docs')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
    const links = [...String(page.body).matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link)
    expect(links).toHaveLength(4)
    for (const link of links) {
      expect(link).toMatch(/^\/api\/docs\//)
      expect((await rig.ask('GET', link ?? '')).status, link).toBe(200)
    }
    // The rest of the package is not ours to serve.
    const other = await rig.ask('GET', '/api/docs/assets/package.json')
    expect(other.status).toBe(401)
  })
})
