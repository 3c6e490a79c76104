/** `groundstop api` and `groundstop migrate` as processes of their own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { services } from '../support/services.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
/** What an operator waits for a stop at most. */
const STOP_MS = 5_000

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase({ isEmpty: true })
})
afterAll(() => database[Symbol.asyncDispose]())

function groundstop(command: string, env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, command], {
    env: {
      PATH: process.env['PATH'] ?? '',
      GROUNDSTOP_HOME: '/nonexistent',
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: services().temporalAddress,
      API_PORT: '0',
      METRICS_PORT: '0',
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs to the end: exit code and what was written. */
async function run(command: string, env: Record<string, string> = {}) {
  const child = groundstop(command, env)
  const ended = once(child, 'close') as Promise<[number]>
  const [stdout, stderr] = await Promise.all([streamText(child.stdout), streamText(child.stderr)])
  return { code: (await ended)[0], stdout, stderr }
}

function streamText(stream: ChildProcess['stdout']): Promise<string> {
  return stream === null ? Promise.resolve('') : text(stream)
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output to read')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('ended without a line')
}

describe('groundstop migrate', () => {
  it('brings an empty database to the newest schema, and a current one nowhere', async () => {
    const first = await run('migrate')
    expect([first.code, first.stderr]).toEqual([0, ''])
    expect(JSON.parse(first.stdout)).toMatchObject({
      applied: expect.arrayContaining(['0001_core']),
      productsCreated: 3,
    })
    expect(JSON.parse((await run('migrate')).stdout)).toEqual({ applied: [], productsCreated: 0 })
  })

  it('names the setting that is missing', async () => {
    const { code, stderr } = await run('migrate', { DATABASE_URL: '' })
    expect(code).toBe(78)
    expect(stderr).toContain('DATABASE_URL must be set')
  })
})

describe('groundstop api', () => {
  it('says where it listens, serves, and stops within 5 s of a signal', async () => {
    const child = groundstop('api')
    const ended = once(child, 'close') as Promise<[number | null]>
    const line = JSON.parse(await firstLine(child)) as { listening: string; metrics: string }
    expect((await fetch(`${line.listening}/health/live`)).status).toBe(200)
    expect((await fetch(`${line.metrics}/metrics`)).status).toBe(200)
    const askedAtMs = performance.now()
    child.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
    expect(performance.now() - askedAtMs).toBeLessThan(STOP_MS)
  })

  it('says which port is taken and does not hang', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { code, stderr } = await run('api', { API_PORT: String(port) })
    taken.close()
    expect(code).toBe(1)
    expect(stderr).toContain(`127.0.0.1:${port} is in use: set API_PORT`)
  })

  it('does not open to others without a token', async () => {
    const { code, stderr } = await run('api', { API_HOST: '0.0.0.0' })
    expect(code).toBe(78)
    expect(stderr).toContain('API_TOKEN must be set')
  })
})
