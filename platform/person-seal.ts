/**
 * Closes what names a person with AES-256-GCM under a key of their own, and that key under one of the
 * ring. Knows no database. Whoever has no key reads nothing, which is what erasure rests on.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  type CipherKey,
} from 'node:crypto'

import { PersonSealError } from '../domain/ports/person-seals.ts'

const CIPHER = 'aes-256-gcm'
/** What GCM is made for. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A person's key: 32 bytes. */
export type PersonKey = Uint8Array

/** A new person's key. */
export function newPersonKey(): PersonKey {
  return randomBytes(32)
}

/**
 * Closes a text for one place (`contact|<ref>`), which must be named to open it. The same text gives
 * the same bytes, so that a repeated import is seen to change nothing: its nonce is a keyed digest of it.
 */
export function seal(key: PersonKey, place: string, text: string): Buffer {
  const nonce = createHmac('sha256', subKey(key, 'nonce')).update(`${place}\n${text}`).digest()
  return close({
    key: subKey(key, 'text'),
    nonce: nonce.subarray(0, NONCE_BYTES),
    place,
    plain: Buffer.from(text),
  })
}

/** The text. Throws PersonSealError. */
export function open(key: PersonKey, place: string, sealed: Uint8Array): string {
  return openBytes(subKey(key, 'text'), place, sealed).toString('utf8')
}

/** A person's key as it is stored: closed with this key of the ring, for this person. */
export function wrapKey(ringKey: Uint8Array, holderRef: string, key: PersonKey): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  return close({ key: ringKey, nonce, place: `key|${holderRef}`, plain: key })
}

/** The key. Throws PersonSealError. */
export function unwrapKey(ringKey: Uint8Array, holderRef: string, wrapped: Uint8Array): PersonKey {
  return openBytes(ringKey, `key|${holderRef}`, wrapped)
}

/** A key for each use: none of them tells anything of another. */
function subKey(key: PersonKey, use: 'nonce' | 'text'): Buffer {
  return createHmac('sha256', key).update(use).digest()
}

type Closing = {
  readonly key: CipherKey
  readonly nonce: Uint8Array
  readonly place: string
  readonly plain: Uint8Array
}

function close({ key, nonce, place, plain }: Closing): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(place))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function openBytes(key: CipherKey, place: string, sealed: Uint8Array): Buffer {
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(-TAG_BYTES))
    const body = sealed.subarray(NONCE_BYTES, -TAG_BYTES)
    return Buffer.concat([decipher.update(body), decipher.final()])
  } catch (error) {
    throw new PersonSealError('what names a person does not open with this key', { cause: error })
  }
}
