/**
 * Runs one part of the instance (worker, API, simulator) as a child process: logs to a file, restarts
 * after a crash with growing pauses, gives up when it keeps crashing.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, openSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { hasEnded } from '../../platform/embedded/process.ts'
import { beginLog } from './begin-log.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 10_000
// A part that crashes so often within a minute will not come up by itself.
const CRASHES_TO_GIVE_UP = 4
const CRASH_WINDOW_MS = 60_000
const LOG_TAIL_BYTES = 8_192
const LOG_TAIL_LINES = 20
const LOG_READ_MAX_BYTES = 20_000_000

export type PartState = 'running' | 'waiting' | 'stopped' | 'failed'

export type PartOptions = {
  /** Shown to people: `worker`. */
  readonly name: string
  /** The command line behind `groundstop`: `['simulator', 'flights', ...]`. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
  /**
   * Where standard output and error go, for a part that writes its log itself, so that the log can be
   * rotated under it. Default `logFile`.
   */
  readonly outFile?: string
  /** Told of crashes and restarts, for the screen. */
  readonly onNote: (text: string) => void
}

/** A part that keeps crashing. The message ends with its last lines of log. */
export class PartFailedError extends Error {
  override readonly name = 'PartFailedError'
}

export interface Part {
  readonly name: string
  readonly logFile: string
  state(): PartState
  /** Of the present process; null while it waits for its restart. */
  pid(): number | null
  /** Rejects with PartFailedError once the part was given up; otherwise never settles. */
  readonly failed: Promise<never>
  /** True once the present process wrote this text to its log. */
  hasLogged(text: string): Promise<boolean>
  /** SIGTERM, then after `graceMs` SIGKILL. Resolves when it is gone; safe to repeat. */
  stop(graceMs: number): Promise<void>
  /** SIGKILL at once. */
  kill(): void
}

/** Starts the part. It is restarted until `stop`, or until it was given up. */
export async function startPart(options: PartOptions): Promise<Part> {
  const outFile = options.outFile ?? options.logFile
  await beginLog(outFile)
  const { promise: failed, reject: giveUp } = Promise.withResolvers<never>()
  failed.catch(() => undefined) // whoever cares awaits it; nobody has to
  let child: ChildProcess | null = null
  let state: PartState = 'running'
  let isStopping = false
  let restart: NodeJS.Timeout | null = null
  let crashes: number[] = []
  let from = 0
  let logFrom = 0

  const launch = (): void => {
    from = sizeOf(outFile)
    logFrom = sizeOf(options.logFile)
    state = 'running'
    child = spawnPart(options, outFile)
    child.once('error', () => void onEnd('could not be started'))
    child.once('exit', (code, signal) => void onEnd(signal ?? `exit code ${code}`))
  }

  const onEnd = async (how: string): Promise<void> => {
    if (isStopping || state === 'waiting') {
      if (isStopping) state = 'stopped'
      return
    }
    state = 'waiting'
    const now = performance.now()
    crashes = [...crashes.filter((at) => now - at < CRASH_WINDOW_MS), now]
    if (crashes.length >= CRASHES_TO_GIVE_UP) {
      state = 'failed'
      const tail = await tailOf([
        { path: options.logFile, from: logFrom },
        { path: outFile, from },
      ])
      const times = `${crashes.length} times within a minute`
      giveUp(
        new PartFailedError(
          `the ${options.name} ended ${times} (${how}); its last lines in ${options.logFile}:\n${tail}`,
        ),
      )
      return
    }
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (crashes.length - 1), MAX_PAUSE_MS)
    options.onNote(`the ${options.name} ended (${how}), again in ${pauseMs / 1_000} s`)
    restart = setTimeout(launch, pauseMs)
  }

  launch()
  return {
    name: options.name,
    logFile: options.logFile,
    state: () => state,
    pid: () => (state === 'running' ? (child?.pid ?? null) : null),
    failed,
    hasLogged: async (text) =>
      state === 'running' &&
      (await logSince(outFile, placeIn(outFile, from), LOG_READ_MAX_BYTES)).includes(text),
    async stop(graceMs) {
      isStopping = true
      if (restart !== null) clearTimeout(restart)
      await stopChild(child, graceMs)
      state = 'stopped'
    },
    kill() {
      isStopping = true
      if (restart !== null) clearTimeout(restart)
      child?.kill('SIGKILL')
    },
  }
}

function spawnPart(options: PartOptions, outFile: string): ChildProcess {
  const log = openSync(outFile, 'a', 0o600)
  try {
    return spawn(process.execPath, [MAIN, ...options.args], {
      env: options.env,
      // A group of its own: Ctrl-C in the terminal is for `start`, which stops things in order.
      detached: true,
      // The channel tells the part when `start` was killed; nothing is sent over it.
      stdio: ['ignore', log, log, 'ipc'],
    })
  } finally {
    closeSync(log)
  }
}

async function stopChild(child: ChildProcess | null, graceMs: number): Promise<void> {
  if (child === null || child.pid === undefined || hasEnded(child)) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await ended
  clearTimeout(timer)
}

/** The last lines of each file since its part was started; a file that is there twice counts once. */
async function tailOf(
  files: readonly { readonly path: string; readonly from: number }[],
): Promise<string> {
  const places = new Map(files.map(({ path, from }) => [path, from]))
  const tails = await Promise.all([...places].map(([path, from]) => logTail(path, from)))
  return tails.filter((tail) => tail !== '').join('\n') || '(nothing)'
}

async function logTail(path: string, from: number): Promise<string> {
  if (sizeOf(path) === 0) return ''
  const begin = Math.max(placeIn(path, from), sizeOf(path) - LOG_TAIL_BYTES)
  const tail = await logSince(path, begin, LOG_TAIL_BYTES)
  const lines = tail.trim().split('\n')
  return lines.slice(-LOG_TAIL_LINES).join('\n')
}

/** A file that is shorter than it was has been rotated since. */
function placeIn(path: string, from: number): number {
  return from > sizeOf(path) ? 0 : from
}

async function logSince(path: string, from: number, maxBytes: number): Promise<string> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const length = Math.max(0, Math.min(size - from, maxBytes))
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
  return buffer.toString('utf8', 0, bytesRead)
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
