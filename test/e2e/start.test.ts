import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { wipeHome, homeOf } from '../../cli/start/home.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const SPEED = 120
const STOP_LIMIT_MS = 30_000

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'groundstop-start-'))
  // PostgreSQL's user must pass through it when the tests run as root.
  await chmod(home, 0o755)
})

afterAll(async () => {
  await wipeHome(homeOf(home))
  await rm(home, { recursive: true, force: true })
})

/** A `start`, or another command, with its output. */
class Command {
  readonly child: ChildProcess
  readonly exited: Promise<number | null>
  output = ''

  constructor(args: readonly string[]) {
    const anyPort = { POSTGRES_PORT: '0', TEMPORAL_PORT: '0', TEMPORAL_UI_PORT: '0' }
    const anyServicePort = {
      API_PORT: '0',
      METRICS_PORT: '0',
      FLIGHTS_PORT: '0',
      PAYMENTS_PORT: '0',
      MAIL_PORT: '0',
      MAIL_SMTP_PORT: '0',
    }
    const { PATH, HOME, GROUNDSTOP_CACHE } = process.env
    this.child = spawn(process.execPath, [MAIN, ...args], {
      env: {
        PATH,
        HOME,
        ...(GROUNDSTOP_CACHE === undefined ? {} : { GROUNDSTOP_CACHE }),
        GROUNDSTOP_HOME: home,
        ...(args[0] === 'start' ? { ...anyPort, ...anyServicePort } : {}),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const take = (chunk: Buffer): void => {
      this.output += chunk.toString('utf8')
    }
    this.child.stdout?.on('data', take)
    this.child.stderr?.on('data', take)
    this.exited = once(this.child, 'exit').then(([code]) => code as number | null)
  }

  /** Waits for a text in the output; throws what was printed when the command ends before. */
  async said(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`ended without "${text}":\n${this.output}`)
      await sleep(50)
    }
  }
}

type Status = {
  now: string
  speed: number
  policies: number
  addresses: { apiUrl: string; databaseUrl: string }
}

async function status(): Promise<Status> {
  const command = new Command(['status', '--json'])
  expect(await command.exited, command.output).toBe(0)
  return JSON.parse(command.output) as Status
}

async function isAnswering(url: string): Promise<boolean> {
  return fetch(`${url}/health/live`).then(
    () => true,
    () => false,
  )
}

test('starts, stops in time, goes on where it stopped, and survives being killed', async () => {
  const first = new Command(['start', '--speed', String(SPEED)])
  await first.said('first tick done')
  const before = await status()
  const statusAtMs = performance.now()
  expect(before.policies).toBeGreaterThan(2_000)
  expect(before.now > '2013-02-08T14:00:00.000Z').toBe(true)
  expect(before.addresses.databaseUrl).toContain(':***@')

  // A second start of the same home says where the first is.
  const refused = new Command(['start'])
  expect(await refused.exited).toBe(1)
  expect(refused.output).toContain('runs already')
  expect(refused.output).toContain(before.addresses.apiUrl)

  const askedAtMs = performance.now()
  first.child.kill('SIGINT')
  expect(await first.exited, first.output).toBe(0)
  expect(performance.now() - askedAtMs).toBeLessThan(STOP_LIMIT_MS)
  expect(await isAnswering(before.addresses.apiUrl)).toBe(false)

  // The clock is held at speed 0, so that it shows where it went on.
  const ranMs = performance.now() - statusAtMs
  const second = new Command(['start', '--speed', '0'])
  await second.said('schedules are applied')
  const after = await status()
  expect(after.policies).toBe(before.policies)
  expect(after.speed).toBe(0)
  const virtualMs = Date.parse(after.now) - Date.parse(before.now)
  expect(virtualMs).toBeGreaterThanOrEqual(0)
  expect(virtualMs).toBeLessThanOrEqual(ranMs * SPEED)

  // Killed without a word: its parts notice, and the next start takes the servers over.
  second.child.kill('SIGKILL')
  await second.exited
  const { addresses } = after
  await expect.poll(() => isAnswering(addresses.apiUrl), { timeout: 30_000 }).toBe(false)
  const third = new Command(['start', '--speed', String(SPEED)])
  await third.said('first tick done')
  const last = await status()
  expect(last.policies).toBe(before.policies)
  expect(last.now >= after.now).toBe(true)
  third.child.kill('SIGTERM')
  expect(await third.exited, third.output).toBe(0)
  await expect(readFile(join(home, 'run.json'))).rejects.toThrow('ENOENT')
})
