/**
 * `<home>/start.lock`: one `start` at a time per home. A lock whose process is gone, or whose id
 * belongs to another process by now, counts for nothing.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { processStartTime } from '../../platform/embedded/process.ts'

// Each attempt beats one process that tried at the same moment.
const ATTEMPTS = 10

type Holder = { readonly pid: number; readonly startTime: string | null }

/** Another `start` runs in the home. */
export class StartLockedError extends Error {
  override readonly name = 'StartLockedError'
  readonly pid: number

  constructor(pid: number) {
    super(`groundstop runs already in this folder: process ${pid}`)
    this.pid = pid
  }
}

/** Takes the home's lock until disposed. Throws StartLockedError when a living process has it. */
export async function takeStartLock(home: string): Promise<AsyncDisposable> {
  await mkdir(home, { recursive: true })
  const path = join(home, 'start.lock')
  const mine: Holder = { pid: process.pid, startTime: processStartTime(process.pid) }
  const draft = `${path}.${process.pid}`
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await linkIfFree(draft, path)) return releaseOf(path)
      await removeIfStale(path)
    }
  } finally {
    await rm(draft, { force: true })
  }
  throw new Error(`the lock ${path} could not be taken: remove it if no groundstop runs here`)
}

/** A link appears with its whole content at once, and fails when the name is taken. */
async function linkIfFree(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function removeIfStale(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return // released a moment ago
  const holder = parse(text)
  if (holder !== null && isHeld(holder)) throw new StartLockedError(holder.pid)
  // Moved before it is removed: what was moved must be what was judged, not a newer lock.
  const aside = `${path}.stale-${process.pid}`
  await rename(path, aside).catch(() => undefined) // another process was faster
  const moved = await readFile(aside, 'utf8').catch(() => null)
  if (moved !== null && moved !== text) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

function isHeld({ pid, startTime }: Holder): boolean {
  return processStartTime(pid) === startTime && startTime !== null
}

function parse(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { pid, startTime } = value as Record<string, unknown> // checked below
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : null
  } catch {
    // Not ours, or torn by a crash of the machine.
    return null
  }
}

function releaseOf(path: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true })
    },
  }
}
