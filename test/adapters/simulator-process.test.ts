/** The local providers as processes: ready line, signals, a restart that keeps what moved, bad options. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createStripePayments } from '../../adapters/payments/stripe.ts'
import { formatLegPack } from '../../domain/leg-pack.ts'
import {
  handClock,
  leg,
  referenceOf,
  startScripted,
  transfer,
  ZONES,
} from '../unit/adapters/fixtures.ts'
import { aeroApi } from '../unit/adapters/fixtures.ts'

const MAIN = fileURLToPath(new URL('../../simulator/main.ts', import.meta.url))
const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
/** What a stop may take. */
const STOP_LIMIT_MS = 2_000

let folder: string
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-simulator-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

function run(file: string, args: string[]): ChildProcess {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  return child
}

/** The address in the ready line. */
async function listening(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no stdout')
  for await (const line of createInterface(child.stdout)) {
    const ready = JSON.parse(line) as { listening: string }
    return ready.listening
  }
  throw new Error('ended without a ready line')
}

/** Sends the signal; the exit code and the time that it took. */
async function stop(child: ChildProcess, signal: NodeJS.Signals) {
  const startedMs = performance.now()
  const ended = once(child, 'exit')
  child.kill(signal)
  const [code] = (await ended) as [number | null]
  return { code, ms: performance.now() - startedMs }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'payments stop on %s with what moved kept',
  async (signal) => {
    const log = join(folder, 'money.jsonl')
    const first = run(MAIN, ['payments', '--log', log])
    const url = await listening(first)
    await using payments = createStripePayments({ apiKey: 'sk_1', baseUrl: url })
    const sent = await payments.createTransfer(transfer('p1'))
    const { code, ms } = await stop(first, signal)
    expect(code).toBe(0)
    expect(ms).toBeLessThan(STOP_LIMIT_MS)

    const second = run(MAIN, ['payments', '--log', log])
    await using after = createStripePayments({ apiKey: 'sk_1', baseUrl: await listening(second) })
    expect(await after.createTransfer(transfer('p1'))).toEqual({ ...sent, isReplay: true })
  },
)

test('a transfer answered before SIGKILL is there after it', async () => {
  const log = join(folder, 'money.jsonl')
  const first = run(MAIN, ['payments', '--log', log])
  await using payments = createStripePayments({ apiKey: 'sk_1', baseUrl: await listening(first) })
  const sent = await payments.createTransfer(transfer('p1'))
  await stop(first, 'SIGKILL')
  const second = run(MAIN, ['payments', '--log', log])
  await using after = createStripePayments({ apiKey: 'sk_1', baseUrl: await listening(second) })
  expect(await after.findByGroup(transfer('p1'))).toEqual(
    sent.kind === 'accepted' ? [sent.transfer] : [],
  )
})

test('flights follow the clock that they are told to ask, from plain and gzip packs', async () => {
  let now = '2013-02-08T16:00:00.000Z'
  await using clock = await startScripted(() => ({
    status: 200,
    body: JSON.stringify({ now, speed: 0 }),
  }))
  const packs = [
    leg({ out: '2013-02-08T15:00:00Z' }),
    leg({ out: '2013-02-08T15:00:00Z', flightNumber: '36' }),
  ].map((one) => formatLegPack({ legs: [one], zones: ZONES, notes: {} }))
  await writeFile(join(folder, 'a.txt'), packs[0] ?? '')
  await writeFile(join(folder, 'b.txt.gz'), gzipSync(packs[1] ?? ''))
  const files = ['--flights', join(folder, 'a.txt'), '--flights', join(folder, 'b.txt.gz')]
  const child = run(MAIN, ['flights', ...files, '--clock', clock.url])
  const url = await listening(child)
  const reference = referenceOf(leg({ out: '2013-02-08T15:00:00Z' }))
  await using provider = aeroApi(url, handClock('2013-02-08T20:00:00Z'))
  for (const ident of ['JBU35', 'JBU36']) {
    const flying = await provider.getStatus({ ...reference, providerIdent: ident })
    expect(flying).toMatchObject({ ok: true, value: [{ actualIn: null }] })
  }
  now = '2013-02-08T20:00:00.000Z'
  const arrived = await provider.getStatus(reference)
  expect(arrived).toMatchObject({ ok: true, value: [{ actualIn: '2013-02-08T18:20:00.000Z' }] })
  const { code, ms } = await stop(child, 'SIGTERM')
  expect(code).toBe(0)
  expect(ms).toBeLessThan(STOP_LIMIT_MS)
})

test('the command line runs a simulator and passes its stop on', async () => {
  const child = run(CLI, ['simulator', 'payments', '--seed', '3'])
  const url = await listening(child)
  expect((await fetch(`${url}/__log`)).status).toBe(200)
  await stop(child, 'SIGTERM')
  await expect(fetch(`${url}/__log`)).rejects.toThrow()
})

test.each([
  [['flights', '--flights', '/nowhere/pack.txt'], 1, '/nowhere/pack.txt'],
  [['payments', '--faults', '{"faults":{"nonsense":{}}}'], 2, 'nonsense'],
])('%j ends with %i and a message for people', async (args, exitCode, named) => {
  const child = run(MAIN, args)
  let message = ''
  child.stderr?.on('data', (chunk: Buffer) => (message += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  expect(message).toContain(named)
  expect(message).not.toContain('    at ')
  expect(code).toBe(exitCode)
})
