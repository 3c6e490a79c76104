import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { Part } from '../../cli/start/child-process.ts'
import { PartFailedError, startPart } from '../../cli/start/child-process.ts'

let folder: string
let notes: string[]
let part: Part | null = null

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-parts-'))
  notes = []
})

afterEach(async () => {
  await part?.stop(5_000)
  await rm(folder, { recursive: true, force: true })
})

async function start(name: string, args: readonly string[]): Promise<Part> {
  part = await startPart({
    name,
    args,
    env: { PATH: process.env['PATH'], GROUNDSTOP_HOME: folder },
    logFile: join(folder, `${name}.log`),
    onNote: (text) => notes.push(text),
  })
  return part
}

/** A part that comes up and stays: the local payment provider needs nothing else. */
async function startPayments(): Promise<Part> {
  return start('payments', ['simulator', 'payments'])
}

async function untilUp(payments: Part): Promise<void> {
  await expect.poll(() => payments.hasLogged('listening'), { timeout: 60_000 }).toBe(true)
}

test('a part that keeps ending is restarted with growing pauses, then given up', async () => {
  const broken = await start('broken', ['status', '--no-such-option'])
  const failure = await broken.failed.catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(PartFailedError)
  expect(String(failure)).toContain("error: unknown option '--no-such-option'")
  expect(String(failure)).toContain(broken.logFile)
  expect(broken.state()).toBe('failed')
  expect(notes).toEqual([
    'the broken ended (exit code 2), again in 0.5 s',
    'the broken ended (exit code 2), again in 1 s',
    'the broken ended (exit code 2), again in 2 s',
  ])
})

test('a part that was killed comes up again', async () => {
  const payments = await startPayments()
  await untilUp(payments)
  process.kill(payments.pid() ?? 0, 'SIGKILL')
  await expect.poll(() => notes, { timeout: 10_000 }).toHaveLength(1)
  await untilUp(payments)
  expect(payments.state()).toBe('running')
})

test('a part that is stopped ends in order and stays away', async () => {
  const payments = await startPayments()
  await untilUp(payments)
  await payments.stop(20_000)
  expect(payments.state()).toBe('stopped')
  expect(notes).toEqual([])
  expect(await readFile(payments.logFile, 'utf8')).toContain('listening')
})
