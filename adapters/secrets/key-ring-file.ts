/**
 * A key ring in a file: read with its mode checked, written whole or not at all. The file is the only
 * place where key material rests; with a KMS each key rests there closed by it.
 */
import { open, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

import { checkedKeyRing, KEY_STATES, KeyRingError, type KeyRing } from '../../domain/key-ring.ts'
import type { KeyWrapping } from '../../domain/ports/key-wrapping.ts'
import { parseInstant, type Instant } from '../../domain/time.ts'

/** Others must neither read nor write it, its group not write it: an orchestrator mounts 0440. */
const FORBIDDEN_MODE = 0o027

/** What this version of the product writes and reads: plain, and closed by a KMS. */
const VERSION = 1
const WRAPPED_VERSION = 2

/** A ring has some dozen keys of 200 bytes; closed by a KMS, of a kilobyte. */
const FILE_LIMIT_BYTES = 512 * 1024

/** Its ring and what tells a changed file from an unchanged one. */
export type ReadKeyRing = { readonly ring: KeyRing; readonly mark: string }

/**
 * The ring of a file, plain or closed by a KMS, which is `wrapping`. Throws KeyRingError that names the file
 * and what is wrong, never its content.
 */
export async function readKeyRingFile(
  path: string,
  wrapping: KeyWrapping | null = null,
): Promise<ReadKeyRing> {
  const mark = await fileMark(path)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error)
  })
  const { wrappedBy, ring } = parseKeyRingText(text, path)
  if (wrappedBy === null) return { ring, mark }
  if (wrapping === null) throw new KeyRingError(`${path} is closed by ${wrappedBy}: set KMS_KEY_ID`)
  const keys = await Promise.all(
    ring.keys.map(async (key) => {
      const material = await wrapping.unwrap(key.material, key.keyId, wrappedBy)
      if (!isKey(material)) throw new KeyRingError(`${path}: key ${key.keyId} opens to no key`)
      return { ...key, material }
    }),
  )
  return { ring: { keys }, mark }
}

/** Changes whenever the file was replaced or written. Throws KeyRingError: gone, or open to others. */
export async function fileMark(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  if ((found.mode & FORBIDDEN_MODE) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
    throw new KeyRingError(`${path} has mode ${mode}: others may read or write it, chmod 600 it`)
  }
  if (found.size > FILE_LIMIT_BYTES)
    throw new KeyRingError(`${path} is no key ring: it is too large`)
  return `${found.ino}:${found.size}:${found.mtimeMs}`
}

/** A plain ring from its text. `origin` is named in errors. */
export function parseKeyRing(text: string, origin: string): KeyRing {
  const { wrappedBy, ring } = parseKeyRingText(text, origin)
  if (wrappedBy === null) return ring
  throw new KeyRingError(`${origin} is closed by ${wrappedBy}: only a file may be`)
}

/** A ring as a text has it; closed by a KMS, unless that is null. */
type RingText = { readonly wrappedBy: string | null; readonly ring: KeyRing }

function parseKeyRingText(text: string, origin: string): RingText {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    throw new KeyRingError(`${origin} is no key ring: it is not JSON`)
  }
  const keys: unknown = fieldOf(raw, 'keys')
  const version = fieldOf(raw, 'version')
  const wrappedBy = version === WRAPPED_VERSION ? fieldOf(raw, 'wrappedBy') : null
  const isKnown = version === VERSION || (wrappedBy !== null && typeof wrappedBy === 'string')
  if (!isKnown || !Array.isArray(keys)) {
    throw new KeyRingError(`${origin} is no key ring of version ${VERSION} or ${WRAPPED_VERSION}`)
  }
  const isMaterial = wrappedBy === null ? isKey : isWrapped
  try {
    return {
      wrappedBy: typeof wrappedBy === 'string' ? wrappedBy : null,
      ring: checkedKeyRing({ keys: keys.map((key) => keyOf(key, isMaterial)) }),
    }
  } catch (error) {
    if (!(error instanceof KeyRingError)) throw error
    throw new KeyRingError(`${origin}: ${error.message}`)
  }
}

/**
 * Replaces the file's content. Written beside it, flushed and renamed: after a crash on any line the
 * old ring or the new one is there, whole, for the owner alone.
 */
export async function writeKeyRingFile(
  path: string,
  ring: KeyRing,
  wrapping: KeyWrapping | null = null,
): Promise<void> {
  const text = wrapping === null ? keyRingText(ring) : await wrappedText(ring, wrapping)
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    // A draft that a crash left behind keeps its mode, so it is set anew.
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  // Without it the rename itself may be lost with the machine's power.
  const folder = await open(dirname(path))
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** A ring as a file has it. */
export function keyRingText(ring: KeyRing): string {
  return `${JSON.stringify({ version: VERSION, keys: checkedKeyRing(ring).keys }, null, 2)}\n`
}

async function wrappedText(ring: KeyRing, wrapping: KeyWrapping): Promise<string> {
  const keys = await Promise.all(
    checkedKeyRing(ring).keys.map(async (key) => ({
      ...key,
      material: await wrapping.wrap(key.material, key.keyId),
    })),
  )
  const content = { version: WRAPPED_VERSION, wrappedBy: wrapping.name, keys }
  return `${JSON.stringify(content, null, 2)}\n`
}

function keyOf(raw: unknown, isMaterial: (material: string) => boolean): KeyRing['keys'][number] {
  const [keyId, material] = [fieldOf(raw, 'keyId'), fieldOf(raw, 'material')]
  const state = KEY_STATES.find((one) => one === fieldOf(raw, 'state'))
  if (typeof keyId !== 'string') throw new KeyRingError('a key has no keyId')
  if (state === undefined)
    throw new KeyRingError(`key ${keyId}: state is not ${KEY_STATES.join(', ')}`)
  if (typeof material !== 'string' || !isMaterial(material)) {
    throw new KeyRingError(`key ${keyId}: material is not 32 bytes in base64`)
  }
  const createdAt = instantOf(raw, 'createdAt')
  if (createdAt === null) throw new KeyRingError(`key ${keyId}: createdAt is no instant`)
  const activatedAt = instantOf(raw, 'activatedAt')
  return {
    keyId,
    state,
    material,
    createdAt,
    activatedAt,
    replacedAt: instantOf(raw, 'replacedAt'),
  }
}

function isKey(material: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(material)
}

/** What a KMS makes of 32 bytes: some hundred, 6 KB at most. */
function isWrapped(material: string): boolean {
  return material.length <= 8_192 && /^[A-Za-z0-9+/]+={0,2}$/.test(material)
}

function instantOf(raw: unknown, name: string): Instant | null {
  const text = fieldOf(raw, name)
  if (typeof text !== 'string') return null
  try {
    return parseInstant(text)
  } catch {
    return null
  }
}

function fieldOf(raw: unknown, name: string): unknown {
  if (typeof raw !== 'object' || raw === null) return undefined
  return Object.entries(raw).find(([key]) => key === name)?.[1]
}

function unreadable(path: string, error: unknown): KeyRingError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return new KeyRingError(`${path} cannot be read: ${code}`)
}
