/** The client and the page that shows it, against a real API and a real worker; faults by a local proxy. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { createMaintenanceActivities } from '../../activities/maintenance.ts'
import {
  CallTimeoutError,
  createGroundstopClient,
  itemsOf,
  RunTimeoutError,
} from '../../client/client.ts'
import { createDatabaseCare } from '../../db/stores/database-care.ts'
import { makeReadBook } from '../support/read-book.ts'
import { ROOT } from '../support/repository.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const ANALYZE = { type: 'MAINTENANCE', payload: { task: 'analyze' } }
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString()
const PAGE_URL = 'http://127.0.0.1:3000'

let api: ApiRig
let workers: TemporalRig

beforeAll(async () => {
  api = await createApiRig({ withFlights: true })
  workers = await createTemporalRig(services().temporalAddress, api.namespace)
  await makeReadBook(api.database.db)
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

/** The page's blocks of a language, in order, with the address of this API. */
async function blocksOf(language: string): Promise<string[]> {
  const page = await readFile(join(ROOT, 'docs/integrating.md'), 'utf8')
  return [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(
    ([, block = '']) => block.replaceAll(PAGE_URL, api.api.url),
  )
}

/** How a program of the page is run, with the client of these sources. */
function wordsOf(program: string): string[] {
  const source = program.replaceAll(/'\.\/(client|api)\//g, `'${ROOT}/$1/`)
  return ['--input-type=module-typescript', '--eval', source]
}

async function outputOf(command: string, words: readonly string[]): Promise<string> {
  const child = spawn(command, words, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  const [out, wrong] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await ended) as [number]
  expect(code, wrong + out).toBe(0)
  return out
}

function maintained<T>(work: () => Promise<T>): Promise<T> {
  const databaseCare = createDatabaseCare(api.database.db)
  return workers.withWorker('maintenance', createMaintenanceActivities({ databaseCare }), work)
}

describe('the page', () => {
  it('leads by curl from nothing to a run and its result', async () => {
    const [start = '', look = ''] = await blocksOf('sh')
    await maintained(async () => {
      const { id } = JSON.parse(await outputOf('sh', ['-c', start])) as { id: string }
      await createGroundstopClient({ url: api.api.url }).waitForRun(id, { everyMs: 50 })
      const run = JSON.parse(
        await outputOf('sh', ['-c', look.replace('RUN_ID', encodeURIComponent(id))]),
      ) as object
      expect(run).toMatchObject({ id, status: 'success', result: { task: 'analyze' } })
    })
  })

  it('leads by the client from nothing to a run, its result and the policies', async () => {
    const [program = ''] = await blocksOf('ts')
    const out = await maintained(() => outputOf(process.execPath, wordsOf(program)))
    const [first, ...policies] = out.split('\n')
    expect(first).toMatch(/^success .*"task":"analyze"/)
    expect(policies.filter((line) => line.includes('policyNumber: '))).toHaveLength(400)
  })

  it('leads by the client to a key that is bound to a key pair, and to what it may read', async () => {
    const [, program = ''] = await blocksOf('ts')
    await createGroundstopClient({ url: api.api.url }).scheduler.startRun({
      body: { ...ANALYZE, executeAt: tomorrow() },
    })
    expect(await outputOf(process.execPath, wordsOf(program))).toContain("type: 'MAINTENANCE'")
  })

  it('leads by the client of tRPC to the same runs', async () => {
    const [, , program = ''] = await blocksOf('ts')
    await createGroundstopClient({ url: api.api.url }).scheduler.startRun({
      body: { ...ANALYZE, executeAt: tomorrow() },
    })
    const out = await outputOf(process.execPath, wordsOf(program))
    expect(out).toContain("type: 'MAINTENANCE'")
    expect(out).toContain('dailyCeilingMinor')
  })
})

/** A door before the API that answers, or breaks, as told; then passes requests on. */
async function withFaults(
  faults: ((request: IncomingMessage) => number | 'lost' | 'silent')[],
  work: (url: string, keys: (string | undefined)[]) => Promise<void>,
): Promise<void> {
  const keys: (string | undefined)[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request)
      keys.push(request.headers['idempotency-key'] as string | undefined)
      const fault = faults.shift()?.(request)
      if (fault === 'silent') return
      if (typeof fault === 'number') {
        response.writeHead(fault, { 'retry-after': '0' }).end()
        return
      }
      const { host: _host, connection: _kept, ...headers } = request.headers
      const answer = await fetch(api.api.url + (request.url ?? ''), {
        method: request.method ?? 'GET',
        headers: headers as Record<string, string>,
        ...(body === '' ? {} : { body }),
      })
      const told = await answer.text()
      if (fault === 'lost') request.socket.destroy()
      else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(told)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('the client', () => {
  it('has one effect when the answer to a change is lost', async () => {
    await withFaults([() => 'lost', () => 503], async (url, keys) => {
      const client = createGroundstopClient({ url, retryDelayMs: 1 })
      const executeAt = tomorrow()
      const { id } = await client.scheduler.startRun({ body: { ...ANALYZE, executeAt } })
      expect(keys).toEqual([expect.any(String), keys[0], keys[0]])
      const { items } = await client.audit.list({ action: 'job.start' })
      const starts = items.filter(({ details }) => JSON.stringify(details).includes(executeAt))
      expect(starts).toHaveLength(1)
      expect(id).toContain('maintenance:')
    })
  })

  it('tries again under the same key when a try is not answered in its time', async () => {
    await withFaults([() => 'silent'], async (url, keys) => {
      const client = createGroundstopClient({ url, retryDelayMs: 1, timeoutMs: 150 })
      const executeAt = tomorrow()
      const input = { body: { ...ANALYZE, executeAt } }
      const { id } = await client.scheduler.startRun(input, { timeoutMs: 1_000 })
      expect(keys).toEqual([expect.any(String), keys[0]])
      expect(id).toContain('maintenance:')
    })
  })

  it('says that no try was answered in its time', async () => {
    await withFaults([() => 'silent', () => 'silent'], async (url, keys) => {
      const client = createGroundstopClient({ url, attempts: 2, retryDelayMs: 1, timeoutMs: 50 })
      await expect(client.clock.read()).rejects.toThrow(CallTimeoutError)
      expect(keys).toHaveLength(2)
    })
  })

  it('ends a call by its signal, with its reason, and does not ask again', async () => {
    await withFaults([() => 'silent'], async (url, keys) => {
      const client = createGroundstopClient({ url, retryDelayMs: 1 })
      const reason = new Error('the page was left')
      const leaving = new AbortController()
      const asked = client.clock.read({}, { signal: leaving.signal })
      await vi.waitFor(() => expect(keys).toHaveLength(1))
      leaving.abort(reason)
      await expect(asked).rejects.toBe(reason)
      expect(keys).toHaveLength(1)
    })
  })

  it('ends by its signal between two tries too', async () => {
    await withFaults([() => 503], async (url, keys) => {
      const leaving = new AbortController()
      const reason = new Error('the page was left')
      const seen: typeof fetch = async (...asked) => {
        const answer = await fetch(...asked)
        setTimeout(() => leaving.abort(reason), 20)
        return new Response(null, { status: answer.status })
      }
      const client = createGroundstopClient({ url, fetch: seen, retryDelayMs: 20_000 })
      await expect(client.clock.read({}, { signal: leaving.signal })).rejects.toBe(reason)
      expect(keys).toHaveLength(1)
    })
  })

  it('gives up after its tries', async () => {
    const faults = Array.from({ length: 9 }, () => () => 503)
    await withFaults(faults, async (url, keys) => {
      const client = createGroundstopClient({ url, attempts: 3, retryDelayMs: 1 })
      await expect(client.clock.read()).rejects.toMatchObject({ status: 503, code: 'unknown' })
      expect(keys).toHaveLength(3)
    })
  })

  it('tells what is refused by field, and does not ask again', async () => {
    await withFaults([], async (_url, keys) => {
      const client = createGroundstopClient({ url: api.api.url })
      const refused = client.scheduler.startRun({
        body: { ...ANALYZE, payload: { task: 'paint' } },
      })
      await expect(refused).rejects.toMatchObject({
        name: 'ProblemResponseError',
        status: 422,
        code: 'invalid-request',
        errors: [{ path: 'payload.task' }],
      })
      expect(keys).toEqual([])
    })
  })

  it('reads a list to its end, each item once', async () => {
    const client = createGroundstopClient({ url: api.api.url })
    const numbers = await Array.fromAsync(
      itemsOf(client.policies.list, { limit: 150 }),
      ({ policyNumber }) => policyNumber,
    )
    expect([numbers.length, new Set(numbers).size]).toEqual([400, 400])
  })

  it('reads runs to their end too, whose pages have them as jobs', async () => {
    const client = createGroundstopClient({ url: api.api.url })
    for (const task of ['analyze', 'vacuum']) {
      const body = { type: 'MAINTENANCE', payload: { task }, executeAt: tomorrow() }
      await client.scheduler.startRun({ body })
    }
    await vi.waitFor(async () => {
      const runs = await Array.fromAsync(itemsOf(client.scheduler.listRuns, { limit: 1 }))
      const { jobs } = await client.scheduler.listRuns({ limit: 100 })
      expect(jobs.length).toBeGreaterThan(1)
      expect(runs.map(({ runId }) => runId).toSorted()).toEqual(
        jobs.map(({ runId }) => runId).toSorted(),
      )
    })
  })

  it('waits for a run no longer than it is told', async () => {
    const client = createGroundstopClient({ url: api.api.url })
    const executeAt = tomorrow()
    const { id } = await client.scheduler.startRun({ body: { ...ANALYZE, executeAt } })
    const waiting = client.waitForRun(id, { timeoutMs: 60, everyMs: 20 })
    await expect(waiting).rejects.toThrow(RunTimeoutError)
    const reason = new Error('the page was left')
    const left = client.waitForRun(id, { everyMs: 20_000, signal: AbortSignal.abort(reason) })
    await expect(left).rejects.toBe(reason)
  })
})
