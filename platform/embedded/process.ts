/**
 * Looking at and ending operating-system processes: the embedded servers and what an earlier,
 * killed run left behind. It starts nothing.
 */
import type { ChildProcess } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 25

/** True when a process with this id exists, whoever owns it. A zombie does not count. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return readProcStat(pid)?.state !== 'Z'
}

/**
 * When a process started, as an opaque text that differs when its id is used again. Null when there
 * is no such process or the system does not tell.
 */
export function processStartTime(pid: number): string | null {
  if (!isProcessAlive(pid)) return null
  if (process.platform === 'linux') return readProcStat(pid)?.startTicks ?? null
  return readPs(pid, 'lstart=')
}

/** The command line of a process, blanks between its words. Empty when unknown. */
export function processCommand(pid: number): string {
  if (process.platform !== 'linux') return readPs(pid, 'command=') ?? ''
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    // The process ended between two looks, or hides itself: nothing is known of it.
    return ''
  }
}

/** Waits until the process is gone. False when it still lives after `timeoutMs`. */
export async function waitForExit(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (isProcessAlive(pid)) {
    if (performance.now() > deadline) return false
    await sleep(POLL_MS)
  }
  return true
}

/** Sends each signal in turn, waiting for the end after each. True when the process is gone. */
export async function endProcess(
  pid: number,
  steps: readonly { readonly signal: NodeJS.Signals; readonly waitMs: number }[],
): Promise<boolean> {
  for (const { signal, waitMs } of steps) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true
      throw error
    }
    if (await waitForExit(pid, waitMs)) return true
  }
  return !isProcessAlive(pid)
}

/** True once a child has ended, by itself or by a signal. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function readProcStat(pid: number): { state: string; startTicks: string } | null {
  if (process.platform !== 'linux') return null
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold blanks; fields are counted behind it (proc(5), field 3 on).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTicks] = [fields[0], fields[19]]
    return state === undefined || startTicks === undefined ? null : { state, startTicks }
  } catch {
    // No such process any more.
    return null
  }
}

function readPs(pid: number, column: string): string | null {
  const result = spawnSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' })
  return result.status === 0 ? result.stdout.trim() || null : null
}
