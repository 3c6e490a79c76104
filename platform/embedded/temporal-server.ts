/** Runs a Temporal dev server with its Web UI on loopback ports, as a child process. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { choosePort, freePort, isListening, LOOPBACK, PortTakenError } from './ports.ts'
import type { PortWish } from './ports.ts'
import { endProcess, hasEnded, processCommand, processStartTime } from './process.ts'

const READY_TIMEOUT_MS = 60_000
const READY_POLL_MS = 50
const START_ATTEMPTS = 5
// The server closes its database within a second; the rest is for a loaded machine.
const STOP_STEPS = [
  { signal: 'SIGTERM', waitMs: 4_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const

/** How a Temporal server is run and what it keeps. */
export type EmbeddedTemporalOptions = {
  /** The Temporal CLI, from `findTemporalProgram`. */
  readonly program: string
  readonly port: Omit<PortWish, 'what' | 'setting'>
  readonly uiPort: Omit<PortWish, 'what' | 'setting'>
  /** Made when it does not exist. */
  readonly namespace: string
  /** Kept over restarts in this SQLite file; null keeps everything in memory. */
  readonly databaseFile: string | null
  readonly logFile: string
  /** Name -> type as the CLI writes it: `Keyword`, `Datetime`. */
  readonly searchAttributes: Readonly<Record<string, string>>
  /** How long closed runs stay readable. Days. */
  readonly retentionDays: number
  /** Where the Web UI has payloads opened; left out: it shows them as they are. */
  readonly codecEndpoint?: string
}

/** A running Temporal server. */
export interface EmbeddedTemporal extends AsyncDisposable {
  /** `127.0.0.1:7233`. */
  readonly address: string
  readonly uiUrl: string
  readonly pid: number
  /** Settles when the server ended, asked for or not. */
  readonly ended: Promise<void>
  /** Safe to repeat. */
  stop(): Promise<void>
}

/**
 * Starts the server and returns once its namespace answers. A server that a killed run left behind
 * on the same database is ended first. Throws an Error that says what to do.
 */
export async function startEmbeddedTemporal(
  options: EmbeddedTemporalOptions,
): Promise<EmbeddedTemporal> {
  if (options.databaseFile !== null) {
    await mkdir(dirname(options.databaseFile), { recursive: true })
    await endLeftover(options.databaseFile)
  }
  await mkdir(dirname(options.logFile), { recursive: true })
  const { child, port, uiPort } = await startOnSomePorts(options)
  if (options.databaseFile !== null) await writePidFile(options.databaseFile, child)
  return handleOf(child, port, uiPort, options)
}

/** Removes the database of a home. The server must be stopped. */
export async function wipeTemporalDatabase(databaseFile: string): Promise<void> {
  await endLeftover(databaseFile)
  for (const suffix of ['', '-wal', '-shm', '-journal', '.pid']) {
    await rm(`${databaseFile}${suffix}`, { force: true })
  }
}

async function startOnSomePorts(
  options: EmbeddedTemporalOptions,
): Promise<{ child: ChildProcess; port: number; uiPort: number }> {
  const wish = { what: 'Temporal', setting: 'TEMPORAL_PORT', ...options.port }
  const uiWish = { what: "Temporal's Web UI", setting: 'TEMPORAL_UI_PORT', ...options.uiPort }
  let [port, uiPort] = [await choosePort(wish), await choosePort(uiWish)]
  for (let attempt = 1; ; attempt += 1) {
    const child = launch(options, port, uiPort)
    const failure = await waitUntilReady(child, options, port)
    if (failure === null) return { child, port, uiPort }
    const isPortLost = /address already in use|can't set frontend port/i.test(failure)
    if (!isPortLost || attempt === START_ATTEMPTS) {
      throw new Error(`the Temporal dev server did not start:\n${failure}`)
    }
    if (wish.isExplicit && failure.includes(String(port))) {
      throw new PortTakenError(wish.what, port, wish.setting)
    }
    if (uiWish.isExplicit && failure.includes(String(uiPort))) {
      throw new PortTakenError(uiWish.what, uiPort, uiWish.setting)
    }
    if (!wish.isExplicit) port = await freePort()
    if (!uiWish.isExplicit) uiPort = await freePort()
  }
}

function launch(options: EmbeddedTemporalOptions, port: number, uiPort: number): ChildProcess {
  const log = openSync(options.logFile, 'a', 0o600)
  try {
    return spawn(options.program, serverArguments(options, port, uiPort), {
      cwd: dirname(options.logFile),
      // A group of its own: Ctrl-C in the terminal is for us, who stop things in order.
      detached: true,
      stdio: ['ignore', log, log],
    })
  } finally {
    closeSync(log)
  }
}

function serverArguments(
  options: EmbeddedTemporalOptions,
  port: number,
  uiPort: number,
): readonly string[] {
  const flags: [flag: string, value: string][] = [
    ['--ip', LOOPBACK],
    ['--ui-ip', LOOPBACK],
    ['--port', String(port)],
    ['--ui-port', String(uiPort)],
    ['--namespace', options.namespace],
    ['--log-level', 'warn'],
    ['--log-format', 'json'],
    ['--dynamic-config-value', 'matching.enableFairness=true'],
  ]
  if (options.codecEndpoint !== undefined) {
    flags.push(['--ui-codec-endpoint', options.codecEndpoint])
  }
  if (options.databaseFile !== null) {
    flags.push(['--db-filename', options.databaseFile])
    // Measured: 15 workflows/s against 3 to 4 with SQLite's defaults.
    flags.push(['--sqlite-pragma', 'journal_mode=WAL'])
    flags.push(['--sqlite-pragma', 'synchronous=NORMAL'])
  }
  for (const [name, type] of Object.entries(options.searchAttributes)) {
    flags.push(['--search-attribute', `${name}=${type}`])
  }
  return ['server', 'start-dev', ...flags.flat()]
}

/** Null when ready, else the server's last words. Ready: the namespace took its retention. */
async function waitUntilReady(
  child: ChildProcess,
  options: EmbeddedTemporalOptions,
  port: number,
): Promise<string | null> {
  let launchError: Error | null = null
  child.once('error', (error) => (launchError = error))
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadline) {
    if (launchError !== null) return String(launchError)
    if (hasEnded(child)) return lastWords(options.logFile)
    if ((await isListening(port)) && (await setRetention(options, port))) return null
    await sleep(READY_POLL_MS)
  }
  child.kill('SIGKILL')
  return `not ready after ${READY_TIMEOUT_MS / 1_000} s; ${await lastWords(options.logFile)}`
}

/** Raises the namespace's retention: dev servers keep closed runs for one day only. */
async function setRetention(options: EmbeddedTemporalOptions, port: number): Promise<boolean> {
  const child = spawn(
    options.program,
    [
      'operator',
      'namespace',
      'update',
      '--namespace',
      options.namespace,
      '--retention',
      `${options.retentionDays * 24}h`,
      '--address',
      `${LOOPBACK}:${port}`,
    ],
    { stdio: 'ignore', timeout: 10_000 },
  )
  return new Promise((resolve) => {
    child.once('error', () => resolve(false))
    child.once('close', (code) => resolve(code === 0))
  })
}

async function endLeftover(databaseFile: string): Promise<void> {
  const text = await readFile(`${databaseFile}.pid`, 'utf8').catch(() => null)
  if (text === null) return // stopped in order, or never started
  const [pidText, startTime] = text.trim().split('\n')
  const pid = Number.parseInt(pidText ?? '', 10)
  const isSame = Number.isInteger(pid) && processStartTime(pid) === startTime
  if (isSame && processCommand(pid).includes('start-dev')) {
    const isGone = await endProcess(pid, STOP_STEPS)
    if (!isGone)
      throw new Error(`the Temporal server of an earlier run does not end: process ${pid}`)
  }
  await rm(`${databaseFile}.pid`, { force: true })
}

async function writePidFile(databaseFile: string, child: ChildProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined) return
  await writeFile(`${databaseFile}.pid`, `${pid}\n${processStartTime(pid) ?? ''}\n`)
}

async function lastWords(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  const lines = text.trim().split('\n').slice(-8).join('\n')
  return lines === '' ? `(no output; see ${logFile})` : lines
}

function handleOf(
  child: ChildProcess,
  port: number,
  uiPort: number,
  options: EmbeddedTemporalOptions,
): EmbeddedTemporal {
  const { pid } = child
  if (pid === undefined) throw new Error('the Temporal server has no process id')
  const ended = new Promise<void>((resolve) => {
    if (hasEnded(child)) resolve()
    else child.once('exit', () => resolve())
  })
  const stop = async (): Promise<void> => {
    if (!hasEnded(child)) {
      const isGone = await endProcess(pid, STOP_STEPS)
      if (!isGone) throw new Error(`the Temporal server does not end: process ${pid}`)
      await ended
    }
    if (options.databaseFile !== null) await rm(`${options.databaseFile}.pid`, { force: true })
  }
  return {
    address: `${LOOPBACK}:${port}`,
    uiUrl: `http://${LOOPBACK}:${uiPort}`,
    pid,
    ended,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
