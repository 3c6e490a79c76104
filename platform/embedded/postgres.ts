/**
 * Runs an embedded PostgreSQL on a loopback port: a real server from an npm package, as a child
 * process. Its own lifecycle code instead of the package's, which exits the whole process on signals
 * and rejects with `undefined` when the server does not start.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { choosePort, freePort, LOOPBACK, PortTakenError } from './ports.ts'
import type { PortWish } from './ports.ts'
import { findPostgresBinaries } from './postgres-binaries.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import type { PostgresHome } from './postgres-data.ts'
import {
  DATABASE_NAME,
  ensurePostgresData,
  locatePostgresHome,
  SUPERUSER,
  wipePostgresHome,
} from './postgres-data.ts'
import { endProcess, hasEnded, isProcessAlive, processCommand } from './process.ts'
import { resolveServerUser } from './server-user.ts'
import type { ServerUser } from './server-user.ts'

// Recovery after a kill replays at most max_wal_size; a minute is far more than it takes.
const READY_TIMEOUT_MS = 60_000
const READY_POLL_MS = 20
const START_ATTEMPTS = 5
// Fast shutdown, then without a checkpoint: the next start recovers from the log.
const STOP_STEPS = [
  { signal: 'SIGINT', waitMs: 6_000 },
  { signal: 'SIGQUIT', waitMs: 4_000 },
] as const

/** It may be emptied while the server holds it: what comes next then stands at its beginning. */
const EMPTIED_TO_APPEND =
  constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND

/** Where an embedded server keeps its data and listens. */
export type EmbeddedPostgresOptions = {
  /** Holds data, password and log; made when missing. */
  readonly folder: string
  /** Default `server.log` of the folder. */
  readonly logFile?: string
  readonly port: Omit<PortWish, 'what' | 'setting'>
  /** False gives up crash safety for speed: tests only. */
  readonly isDurable: boolean
}

/** A running embedded server. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** `postgres://...` of the product's database, as superuser; holds the password. */
  readonly url: string
  readonly port: number
  readonly version: string
  readonly logFile: string
  readonly pid: number
  /** Settles when the server ended, asked for or not. */
  readonly ended: Promise<void>
  /** Fast shutdown: open transactions roll back, what was committed stays. Safe to repeat. */
  stop(): Promise<void>
}

/**
 * Starts the server and returns once it accepts connections. Data that is there is used again; a
 * server that a killed run left behind on it is ended first. Throws an Error that says what to do.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const user = resolveServerUser()
  const binaries = await findPostgresBinaries(user)
  const located = await locatePostgresHome(options.folder, user)
  const home = { ...located, logFile: options.logFile ?? located.logFile }
  const password = await ensurePostgresData(home, binaries, user, options)
  await endLeftover(home)
  const { child, port } = await startOnSomePort(home, binaries, user, options)
  return handleOf({ child, port, password, home, version: binaries.version })
}

/** Removes a folder's data, ending a server that a killed run left behind on it. */
export async function wipeEmbeddedPostgres(folder: string): Promise<void> {
  const home = await locatePostgresHome(folder, resolveServerUser())
  await endLeftover(home)
  await wipePostgresHome(home)
}

async function startOnSomePort(
  home: PostgresHome,
  binaries: PostgresBinaries,
  user: ServerUser,
  options: EmbeddedPostgresOptions,
): Promise<{ child: ChildProcess; port: number }> {
  const wish = { what: 'PostgreSQL', setting: 'POSTGRES_PORT', ...options.port }
  let port = await choosePort(wish)
  for (let attempt = 1; ; attempt += 1) {
    const child = launch(home, binaries, user, { port, isDurable: options.isDurable })
    const failure = await waitUntilReady(child, home)
    if (failure === null) return { child, port }
    const isPortLost = failure.includes('Address already in use')
    if (isPortLost && wish.isExplicit) throw new PortTakenError(wish.what, port, wish.setting)
    // A killed server's last processes let go of its memory a moment later.
    const isPassing = isPortLost || failure.includes('pre-existing shared memory block')
    if (!isPassing || attempt === START_ATTEMPTS) {
      throw new Error(`PostgreSQL did not start in ${home.dataDir}:\n${failure}`)
    }
    if (isPortLost) port = await freePort()
    else await sleep(200 * attempt)
  }
}

function launch(
  home: PostgresHome,
  binaries: PostgresBinaries,
  user: ServerUser,
  options: { readonly port: number; readonly isDurable: boolean },
): ChildProcess {
  const settings = {
    port: String(options.port),
    listen_addresses: LOOPBACK,
    unix_socket_directories: '',
    max_connections: '100',
    shared_buffers: '256MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(options.isDurable
      ? { fsync: 'on' }
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
  // Only this start's lines, so that a failure can be told from them.
  const log = openSync(home.logFile, EMPTIED_TO_APPEND, 0o600)
  try {
    return spawn(binaries.postgres, ['-D', home.dataDir, ...flags], {
      ...user.ids,
      cwd: '/',
      // A group of its own: Ctrl-C in the terminal is for us, who stop things in order.
      detached: true,
      stdio: ['ignore', log, log],
    })
  } finally {
    closeSync(log)
  }
}

/** Null when ready, else the server's last words. */
async function waitUntilReady(child: ChildProcess, home: PostgresHome): Promise<string | null> {
  let launchError: Error | null = null
  child.once('error', (error) => (launchError = error))
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadline) {
    if (launchError !== null) return String(launchError)
    if (hasEnded(child)) return lastWords(home)
    const pidFile = await readPidFile(home)
    if (pidFile?.pid === child.pid && pidFile?.isReady === true) return null
    await sleep(READY_POLL_MS)
  }
  child.kill('SIGQUIT')
  return `not ready after ${READY_TIMEOUT_MS / 1_000} s; ${await lastWords(home)}`
}

/** Ends a server of a killed run on the same data, and voids a lock file that nobody holds. */
async function endLeftover(home: PostgresHome): Promise<void> {
  const found = await readPidFile(home)
  if (found === null) return
  if (!processCommand(found.pid).includes(home.dataDir)) {
    // Dead, a zombie, or some other program that has the id by now: PostgreSQL would take it for a
    // running server. The file stays, as it also guards against that server's last processes.
    await writeFile(pidFileOf(home), [String(unusedPid()), ...found.lines.slice(1)].join('\n'))
    return
  }
  const isGone = await endProcess(found.pid, STOP_STEPS)
  if (!isGone) throw new Error(`PostgreSQL of an earlier run does not end: process ${found.pid}`)
}

function unusedPid(): number {
  // The highest id of a 64-bit Linux; ids are given upwards from 1, so it is free almost always.
  let pid = 4_194_303
  while (isProcessAlive(pid)) pid -= 1
  return pid
}

function pidFileOf(home: PostgresHome): string {
  return join(home.dataDir, 'postmaster.pid')
}

async function readPidFile(
  home: PostgresHome,
): Promise<{ pid: number; isReady: boolean; lines: string[] } | null> {
  const text = await readFile(pidFileOf(home), 'utf8').catch(() => null)
  if (text === null) return null // not written yet, or removed at the end
  const lines = text.split('\n')
  const pid = Number.parseInt(lines[0] ?? '', 10)
  return Number.isInteger(pid) ? { pid, isReady: lines[7]?.trim() === 'ready', lines } : null
}

async function lastWords(home: PostgresHome): Promise<string> {
  const text = await readFile(home.logFile, 'utf8').catch(() => '')
  const lines = text.trim().split('\n').slice(-12).join('\n')
  return lines === '' ? `(no output; see ${home.logFile})` : lines
}

function handleOf(server: {
  child: ChildProcess
  port: number
  password: string
  home: PostgresHome
  version: string
}): EmbeddedPostgres {
  const { child, port, password, home, version } = server
  const { pid } = child
  if (pid === undefined) throw new Error('PostgreSQL has no process id')
  const ended = new Promise<void>((resolve) => {
    if (hasEnded(child)) resolve()
    else child.once('exit', () => resolve())
  })
  const stop = async (): Promise<void> => {
    if (hasEnded(child)) return
    const isGone = await endProcess(pid, STOP_STEPS)
    if (!isGone) throw new Error(`PostgreSQL does not end: process ${pid}`)
    await ended
  }
  return {
    url: `postgres://${SUPERUSER}:${password}@${LOOPBACK}:${port}/${DATABASE_NAME}`,
    port,
    version,
    logFile: home.logFile,
    pid,
    ended,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
