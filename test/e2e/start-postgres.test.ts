import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { copyAndEmpty } from '../../adapters/files/held-log.ts'
import { freePort } from '../../platform/embedded/ports.ts'
import type { EmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { startEmbeddedPostgres, wipeEmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { isProcessAlive, waitForExit } from '../../platform/embedded/process.ts'

// Made once, as making it takes longest; every test has its own copy.
let template: string
let folder: string

beforeAll(async () => {
  template = await openFolder()
  const postgres = await startIn(template)
  await postgres.stop()
})

beforeEach(async () => {
  folder = await openFolder()
  // Owners and modes matter to the server; node's copy does not keep owners.
  execFileSync('cp', ['-a', `${template}/.`, folder])
})

afterAll(async () => {
  await rm(template, { recursive: true, force: true })
})

async function openFolder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'groundstop-postgres-'))
  // The server's user must pass through it when the tests run as root.
  await chmod(made, 0o755)
  return made
}

afterEach(async () => {
  await wipeEmbeddedPostgres(folder)
  await rm(folder, { recursive: true, force: true })
})

async function startIn(home: string, port = 0, isExplicit = false): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ folder: home, port: { port, isExplicit }, isDurable: false })
}

async function startDurable(): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ folder, port: { port: 0, isExplicit: false }, isDurable: true })
}

async function start(port = 0, isExplicit = false): Promise<EmbeddedPostgres> {
  return startIn(folder, port, isExplicit)
}

async function query(postgres: EmbeddedPostgres, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text)
    return rows
  } finally {
    await client.end()
  }
}

describe('data', () => {
  test('is there again after a stop', async () => {
    {
      await using first = await start()
      await query(first, 'create table kept as select 7 as n')
    }
    await using second = await start()
    expect(await query(second, 'select n from kept')).toEqual([{ n: 7 }])
  })

  test('that was committed is there after a kill of the server', async () => {
    const first = await startDurable()
    await query(first, 'create table kept as select 7 as n')
    process.kill(first.pid, 'SIGKILL')
    await first.ended
    await using second = await startDurable()
    expect(await query(second, 'select n from kept')).toEqual([{ n: 7 }])
  })

  test('is taken over from a server that a killed run left behind', async () => {
    const left = await start()
    await query(left, 'create table kept as select 7 as n')
    await using next = await start()
    expect(isProcessAlive(left.pid)).toBe(false)
    expect(await query(next, 'select n from kept')).toEqual([{ n: 7 }])
  })

  test('of another major version is refused by name', async () => {
    await writeFile(join(folder, 'data', 'PG_VERSION'), '13\n')
    await expect(start()).rejects.toThrow(/is of PostgreSQL 13, and this is PostgreSQL \d+/)
  })

  test('without its password is refused, naming the file', async () => {
    await rm(join(folder, 'password'))
    await expect(start()).rejects.toThrow(/password.* is gone .*--fresh/s)
  })
})

describe('a lock file', () => {
  test('of a process that has its id by now is no obstacle', async () => {
    const content = [String(process.pid), join(folder, 'data'), '1', '1', '', '', '', '']
    await writeFile(join(folder, 'data', 'postmaster.pid'), content.join('\n'))
    await using second = await start()
    expect(await query(second, 'select 1 as n')).toEqual([{ n: 1 }])
  })
})

describe('a port that is taken', () => {
  test('gives way to another one', async () => {
    const port = await freePort()
    await using _other = await listenOn(port)
    await using postgres = await start(port)
    expect(postgres.port).not.toBe(port)
    expect(await query(postgres, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  test('is a clear error when it was asked for by name', async () => {
    const port = await freePort()
    await using _other = await listenOn(port)
    await expect(start(port, true)).rejects.toThrow(
      `port ${port} for PostgreSQL is taken by another process: ` +
        'free it, or set POSTGRES_PORT to another port',
    )
  })
})

describe('access', () => {
  test('needs the random password, which only we can read', async () => {
    await using postgres = await start()
    const password = (await readFile(join(folder, 'password'), 'utf8')).trim()
    expect(password.length).toBeGreaterThanOrEqual(24)
    expect((await stat(join(folder, 'password'))).mode & 0o777).toBe(0o600)
    const stranger = new pg.Client({
      connectionString: postgres.url.replace(password, 'guessed'),
    })
    await expect(stranger.connect()).rejects.toThrow(/password authentication failed/)
  })
})

test('its log may be emptied while it runs, and goes on at its beginning', async () => {
  const logFile = join(folder, 'postgres.log')
  const port = { port: 0, isExplicit: false }
  await using postgres = await startEmbeddedPostgres({ folder, logFile, port, isDurable: false })
  const before = await copyAndEmpty(logFile, `${logFile}.1`)
  expect(await readFile(`${logFile}.1`, 'utf8')).toContain('ready to accept connections')
  await expect(query(postgres, 'select no_such_column')).rejects.toThrow('no_such_column')
  const after = await readFile(logFile, 'utf8')
  expect(after).toContain('no_such_column')
  expect(after).not.toContain('\0')
  expect(before).toBeGreaterThan(0)
})

test('stopping twice is stopping once', async () => {
  const postgres = await start()
  await Promise.all([postgres.stop(), postgres.stop()])
  await postgres.stop()
  expect(await waitForExit(postgres.pid, 0)).toBe(true)
})

async function listenOn(port: number): Promise<AsyncDisposable> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
