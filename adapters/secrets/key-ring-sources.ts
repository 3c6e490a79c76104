/** Key rings from a file, which is watched, or from the environment, which never changes. */
import { randomBytes } from 'node:crypto'

import { firstKeyRing, type KeyRing } from '../../domain/key-ring.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import type { KeyWrapping } from '../../domain/ports/key-wrapping.ts'
import { instantFromMs } from '../../domain/time.ts'
import { fileMark, parseKeyRing, readKeyRingFile, writeKeyRingFile } from './key-ring-file.ts'

/** A ring that was changed is in every process after this, long before its new key is used. */
const LOOK_EVERY_MS = 2_000

/** Text of a key in the environment: `<id>:<32 bytes in base64>`. */
const SHORT_KEY = /^([A-Za-z0-9._-]+):([A-Za-z0-9+/]{43}=)$/

/** Where a purpose's keys are: at most one of both. A file's keys may be closed by a KMS. */
export type KeyRingPlace = {
  readonly file: string | null
  readonly text: string | null
  readonly wrapping?: KeyWrapping | null
}

/**
 * Opens a ring; null when no place is named. `onProblem` is told when a file that was good cannot be
 * read any more: the ring that was read last goes on. Throws KeyRingError when there is no good one.
 */
export async function openKeyRing(
  { file, text, wrapping = null }: KeyRingPlace,
  onProblem: (error: unknown) => void = () => undefined,
  lookEveryMs: number = LOOK_EVERY_MS,
): Promise<KeyRingSource | null> {
  if (file !== null) return watchKeyRingFile({ file, wrapping }, onProblem, lookEveryMs)
  if (text === null) return null
  const ring = ringOfText(text)
  return { current: () => ring, refresh: async () => ring, [Symbol.dispose]: () => undefined }
}

/** `id:base64` for one key, or the JSON of a ring's file. */
function ringOfText(text: string): KeyRing {
  const [, keyId, material] = SHORT_KEY.exec(text.trim()) ?? []
  if (keyId === undefined || material === undefined) return parseKeyRing(text, 'the ring')
  return firstKeyRing(keyId, material, instantFromMs(0))
}

async function watchKeyRingFile(
  { file: path, wrapping }: { readonly file: string; readonly wrapping: KeyWrapping | null },
  onProblem: (error: unknown) => void,
  lookEveryMs: number,
): Promise<KeyRingSource> {
  let last = await readKeyRingFile(path, wrapping)
  let reading: Promise<KeyRing> | null = null
  const look = async (): Promise<KeyRing> => {
    try {
      if ((await fileMark(path)) !== last.mark) last = await readKeyRingFile(path, wrapping)
    } catch (error) {
      onProblem(error)
    }
    return last.ring
  }
  // Whoever asks meanwhile gets the answer of the look that is under way.
  const refresh = (): Promise<KeyRing> => {
    reading ??= look().finally(() => {
      reading = null
    })
    return reading
  }
  const timer = setInterval(() => void refresh(), lookEveryMs) // `look` tells its own problems
  timer.unref()
  return { current: () => last.ring, refresh, [Symbol.dispose]: () => clearInterval(timer) }
}

/** Material of a new key. */
export function newKeyMaterial(): string {
  return randomBytes(32).toString('base64')
}

/** The id of a new key: its purpose, its day and what tells it from another of that day. */
export function newKeyId(purpose: string, nowMs: number): string {
  return `${purpose}-${instantFromMs(nowMs).slice(0, 10)}-${randomBytes(3).toString('hex')}`
}

/** Makes a ring of one key where there is no file yet. Returns whether it did. */
export async function ensureKeyRingFile(
  path: string,
  purpose: string,
  wrapping: KeyWrapping | null = null,
): Promise<boolean> {
  try {
    await readKeyRingFile(path, wrapping)
    return false
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  const nowMs = Date.now()
  const now = instantFromMs(nowMs)
  const ring = firstKeyRing(newKeyId(purpose, nowMs), newKeyMaterial(), now)
  await writeKeyRingFile(path, ring, wrapping)
  return true
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('cannot be read: ENOENT')
}
