import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { StartLockedError, takeStartLock } from '../../../cli/start/start-lock.ts'
import { processStartTime } from '../../../platform/embedded/process.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'groundstop-lock-'))
})

afterEach(async () => {
  await rm(home, { recursive: true, force: true })
})

const lockFile = (): string => join(home, 'start.lock')

test('one process has it at a time', async () => {
  await using _lock = await takeStartLock(home)
  await expect(takeStartLock(home)).rejects.toThrow(StartLockedError)
})

test('the refusal names the process that has it', async () => {
  await using _lock = await takeStartLock(home)
  await expect(takeStartLock(home)).rejects.toThrow(String(process.pid))
})

test('it is free again once disposed of, and leaves nothing', async () => {
  {
    await using _lock = await takeStartLock(home)
  }
  expect(await readdir(home)).toEqual([])
  await using _again = await takeStartLock(home)
})

test('a killed process does not hold it', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  const pid = child.pid ?? 0
  const startTime = processStartTime(pid)
  await writeFile(lockFile(), JSON.stringify({ pid, startTime }))
  await expect(takeStartLock(home)).rejects.toThrow(StartLockedError)
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  await using _lock = await takeStartLock(home)
  expect(JSON.parse(await readFile(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid })
})

test('another process that has the id by now does not hold it', async () => {
  await writeFile(lockFile(), JSON.stringify({ pid: process.pid, startTime: 'long ago' }))
  await using _lock = await takeStartLock(home)
})

test('a torn file does not hold it', async () => {
  await writeFile(lockFile(), '{"pid":')
  await using _lock = await takeStartLock(home)
})

test('of many that try at once over a stale file, one gets it', async () => {
  await writeFile(lockFile(), '')
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => takeStartLock(home)))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})
