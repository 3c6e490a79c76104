/** REST, tRPC and the command line say the same, and refuse the same in the same words. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { namedRoutes } from '../../api/trpc/named-routes.ts'
import { CliError } from '../../cli/cli-error.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createRunStore } from '../../db/stores/run-store.ts'
import { instantFromMs } from '../../domain/time.ts'
import { productRoutes } from '../../scripts/generate-roles-doc.ts'
import { BOOK_DECIDED_AT, makeReadBook, numberOn } from '../support/read-book.ts'
import { runCommand } from '../support/read-commands.ts'
import { services } from '../support/services.ts'
import { createApiRig, type Answer, type ApiRig } from './api-rig.ts'
import { askProcedure } from './procedure-calls.ts'

const TOKEN = 'a-token-of-the-role-admin'
const ADMIN = { authorization: `Bearer ${TOKEN}` }

let folder = ''
let rig: ApiRig
/** What stands for each part of a path, so that it names something. */
const known: Record<string, string> = {}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'answers-'))
  const file = join(folder, 'tokens.json')
  const sha256 = createHash('sha256').update(TOKEN).digest('hex')
  await writeFile(file, JSON.stringify([{ name: 'admin-1', role: 'admin', sha256 }]))
  rig = await createApiRig({ env: { API_TOKENS_FILE: file } })
  const { db } = rig.database
  const keys = await makeReadBook(db)
  await createClockStore(db).set({ now: BOOK_DECIDED_AT, speed: 0 })
  const { rows } = await sql<{ payout: string; review: string }>`
    select (select id::text from payout order by id limit 1) as payout,
      (select id::text from review_case order by id limit 1) as review`.execute(db)
  Object.assign(known, {
    policyNumber: numberOn(3, 0),
    legKey: keys[7],
    payoutId: rows[0]?.payout,
    caseId: rows[0]?.review,
    account: 'pool:main:available',
    key: 'runs.historyDays',
    kind: 'day',
    period: '2013-03-09',
    code: 'JFK',
    ...(await made()),
  })
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** A run that waits for its time, a task, a request of a person and a dead letter. */
async function made(): Promise<Record<string, unknown>> {
  const executeAt = new Date(Date.now() + 86_400_000).toISOString()
  const start = { type: 'MAINTENANCE', payload: { task: 'analyze' } }
  const post = async (path: string, body: object) => {
    const answer = await rig.ask('POST', path, { body, headers: ADMIN })
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    return answer.body as Record<string, unknown>
  }
  const { id } = await post('/api/admin/scheduler/jobs', { ...start, executeAt })
  const when = { executeAt }
  const { taskId } = await post('/api/tasks', { ...start, when, reason: 'drill' })
  const asked = { kind: 'export', holderRef: 'acct_1', reason: 'a letter of the holder' }
  const { requestId } = await post('/api/privacy-requests', asked)
  return { id, taskId, requestId, runId: await deadRun() }
}

async function deadRun(): Promise<string> {
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
  return runId
}

const READS = namedRoutes(productRoutes()).flatMap(({ group, name, route }) => {
  const [method, path = ''] = route.split(' ')
  return method === 'GET' ? [{ procedure: `${group}.${name}`, path }] : []
})

/** Parts of the path: something that is there, or nothing that is. */
function partsOf(path: string, isThere: boolean): Record<string, string> {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const own = path.includes('/queues/') ? 'monitor' : 'flight-monitor'
  return Object.fromEntries(
    names.map((name) => [
      name,
      isThere ? (known[name] ?? (name === 'name' ? own : 'none')) : 'none',
    ]),
  )
}

const filled = (path: string, parts: Record<string, string>) =>
  path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(parts[name] ?? ''))

/** Commands that read what a procedure reads; the parts of the path follow. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'clock.read': ['clock', 'show'],
  'scheduler.listRuns': ['jobs', 'list'],
  'scheduler.getRun': ['jobs', 'show'],
  'scheduler.listLimits': ['jobs', 'limits'],
  'deadLetters.get': ['dead-letters', 'show'],
  'payouts.getControls': ['payouts', 'status'],
  'tasks.get': ['tasks', 'show'],
  'privacyRequests.list': ['privacy', 'list'],
  'privacyRequests.get': ['privacy', 'show'],
  'airports.get': ['airports', 'show'],
  'apiKeys.list': ['api-keys', 'list'],
  'audit.list': ['audit', 'list'],
  'deadLetters.listGroups': ['dead-letters', 'groups'],
  'deadLetters.list': ['dead-letters', 'list'],
  'policies.listEvaluations': ['policies', 'evaluations'],
  'book.getExposure': ['exposure'],
  'book.getLossRatio': ['loss-ratio'],
  'ledger.listAccounts': ['ledger', 'accounts'],
  'ledger.getStatement': ['ledger', 'statement'],
  'legs.get': ['legs', 'show'],
  'legs.list': ['legs', 'list'],
  'legs.listPolls': ['polls', 'explain'],
  'notifications.list': ['notifications', 'list'],
  'payouts.get': ['payouts', 'show'],
  'payouts.list': ['payouts', 'list'],
  'policies.explain': ['policies', 'explain'],
  'policies.get': ['policies', 'show'],
  'policies.list': ['policies', 'list'],
  'providers.list': ['providers'],
  'reports.list': ['report', 'list'],
  'reviews.get': ['reviews', 'show'],
  'reviews.list': ['reviews', 'list'],
  'scheduler.getJobHistory': ['schedules', 'history'],
  'scheduler.getJobStatus': ['schedules', 'show'],
  'scheduler.listJobs': ['schedules', 'list'],
  'settings.get': ['settings', 'get'],
  'settings.list': ['settings', 'list'],
  'tasks.list': ['tasks', 'list'],
  'tasks.getStatistics': ['tasks', 'stats'],
  'users.list': ['users', 'list'],
}

/** What must be said beside the path. */
const BY: Readonly<Record<string, string>> = {
  'book.getExposure': 'day',
  'book.getLossRatio': 'product',
}

/** What tells the time of day may turn between two questions: then it is asked once more. */
async function once(compare: () => Promise<void>): Promise<void> {
  await compare().catch(compare)
}

/** Procedures whose answer a command printed as well. */
const printed = new Set<string>()

const groundstop = (...words: string[]) =>
  runCommand(rig.database.url, words, {
    TEMPORAL_ADDRESS: services().temporalAddress,
    TEMPORAL_NAMESPACE: rig.namespace,
  })

/** What is compared: everything but the id of the request. */
function said({ status, body }: Pick<Answer, 'status' | 'body'>): object {
  if (typeof body !== 'object' || body === null || !('correlationId' in body))
    return { status, body }
  const { correlationId, ...told } = body
  expect(correlationId).toMatch(/^[0-9a-f-]{36}$/)
  return { status, body: told }
}

describe.each(READS)('$procedure', ({ procedure, path }) => {
  it('answers as its route, and as its command', async () => {
    const parts = partsOf(path, true)
    const by = BY[procedure]
    await once(async () => {
      const headers = ADMIN
      const search = by === undefined ? '' : `?by=${by}`
      const rest = await rig.ask('GET', filled(path, parts) + search, { headers })
      const input = { ...parts, by }
      const trpc = await askProcedure(rig, procedure, 'GET', { input, headers })
      expect(said(trpc)).toEqual(said(rest))
      const words = COMMANDS[procedure]
      if (words === undefined) return
      const options = by === undefined ? ['--json'] : ['--json', '--by', by]
      const { out, error } = await groundstop(...words, ...Object.values(parts), ...options)
      if (rest.status < 400) {
        expect(JSON.parse(out)).toEqual(rest.body)
        printed.add(procedure)
      }
      if (rest.status >= 400) expect(error).toBeInstanceOf(CliError)
    })
  })

  it('refuses as its route', async () => {
    const input = { ...partsOf(path, false), limit: 0, no_such_field: 'x' }
    const { limit: _limit, no_such_field: _none, ...parts } = input
    const asked = `${filled(path, parts)}?limit=0&no_such_field=x`
    const rest = await rig.ask('GET', asked, { headers: ADMIN })
    const trpc = await askProcedure(rig, procedure, 'GET', { input, headers: ADMIN })
    expect(said(trpc)).toEqual(said(rest))
  })
})

it('commands print what the API answers, wherever there is one that reads the same', () => {
  const nothing = Object.keys(COMMANDS).filter((procedure) => !printed.has(procedure))
  // No weather of this airport is known.
  expect(nothing).toEqual(['airports.get'])
})

describe('a change', () => {
  const key = 'runs.historyDays'
  const path = `/api/admin/scheduler/settings/${key}`
  const fields = (value: number) => ({ value, by: 'admin-1', reason: 'drill' })

  it('leaves the same in the trail by each of them', async () => {
    const headers = ADMIN
    expect((await rig.ask('POST', path, { body: fields(20), headers })).status).toBe(200)
    const input = { key, body: fields(21) }
    expect((await askProcedure(rig, 'settings.change', 'POST', { input, headers })).status).toBe(
      200,
    )
    const note = ['--by', 'admin-1', '--reason', 'drill']
    expect((await groundstop('settings', 'set', key, '22', ...note)).error).toBeNull()
    const trail = await rig.ask('GET', '/api/audit?action=setting.changed', { headers })
    const { items } = trail.body as { items: { actor: string; subject: string; details: object }[] }
    const told = items.map(({ actor, subject, details }) => ({ actor, subject, details }))
    const row = (before: number | null, after: number) => ({
      actor: 'admin-1',
      subject: `setting:${key}`,
      details: expect.objectContaining({ before, after, reason: 'drill' }) as object,
    })
    expect(told).toEqual([row(21, 22), row(20, 21), row(null, 20)])
  })

  it('is refused in the same words by each of them', async () => {
    const headers = ADMIN
    const rest = await rig.ask('POST', path, { body: fields(9_999), headers })
    const input = { key, body: fields(9_999) }
    const trpc = await askProcedure(rig, 'settings.change', 'POST', { input, headers })
    expect(said(trpc)).toEqual(said(rest))
    const note = ['--by', 'admin-1', '--reason', 'drill']
    const { error } = await groundstop('settings', 'set', key, '9999', ...note)
    const { errors } = rest.body as { errors: { message: string }[] }
    expect((error as Error).message).toContain(errors[0]?.message)
  })
})
