/**
 * A log file that may be rotated at any time without a line lost: before a line is written, at most once
 * a second, the writer looks whether the file under its name is still its own, and rotates it itself
 * when it has grown too large.
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { dirname, join, basename } from 'node:path'

import type { DestinationStream } from 'pino'

import { REOPEN_WITHIN_MS, rotatedName } from '../domain/log-rotation.ts'
import { instantFromMs } from '../domain/time.ts'

/** Where lines go, and from which size on a new file is begun. */
export type LogFile = DestinationStream & {
  setRotateBytes(bytes: number): void
  close(): void
}

/** How it is written. */
export type LogFileOptions = {
  /** From this size on the file is rotated. */
  readonly rotateBytes: number
  /** Between two looks. Default 1,000. */
  readonly lookEveryMs?: number
  /** Where a line goes that the file does not take, as on a full disk. Default standard error. */
  readonly fallbackFd?: number
}

const STDERR = 2
const PRIVATE = 0o600

/** Opens the file, and makes its folder. A line is written when `write` returns. */
export function openLogFile(path: string, options: LogFileOptions): LogFile {
  const { lookEveryMs = REOPEN_WITHIN_MS, fallbackFd = STDERR } = options
  mkdirSync(dirname(path), { recursive: true })
  let { rotateBytes } = options
  let fd = openSync(path, 'a', PRIVATE)
  let lookedAtMs = performance.now()

  const reopen = (): void => {
    const next = openSync(path, 'a', PRIVATE)
    closeSync(fd)
    fd = next
  }

  const look = (): void => {
    lookedAtMs = performance.now()
    const found = statSync(path, { throwIfNoEntry: false })
    const own = fstatSync(fd)
    const isOwn = found !== undefined && found.ino === own.ino && found.dev === own.dev
    if (isOwn && own.size < rotateBytes) return
    if (isOwn) rotate(path)
    reopen()
  }

  return {
    write(line) {
      try {
        if (performance.now() - lookedAtMs >= lookEveryMs) look()
        writeAll(fd, line)
      } catch (error) {
        // The line is more important than the file; what is wrong with the file stands beside it.
        writeAll(fallbackFd, `${line.trimEnd()}\nlog file ${path}: ${String(error)}\n`)
      }
    },
    setRotateBytes(bytes) {
      rotateBytes = bytes
    },
    close: () => closeSync(fd),
  }
}

/** Whoever came first has renamed it: then there is nothing left to do. */
function rotate(path: string): void {
  const name = rotatedName(basename(path), instantFromMs(Date.now()))
  try {
    renameSync(path, join(dirname(path), name))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ENOENT') throw error
  }
}

/** A write may take a part only. */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  let from = 0
  while (from < bytes.length) from += writeSync(fd, bytes, from)
}
