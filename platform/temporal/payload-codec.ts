/**
 * Encrypts what runs carry before it leaves the process: inputs, results, heartbeats, memos, the words
 * of failures. Ids, types and search attributes stay readable on the server: they hold no personal data.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomFillSync,
  type KeyObject,
} from 'node:crypto'
import { fileURLToPath } from 'node:url'

import {
  defaultPayloadConverter,
  RawValue,
  type DataConverter,
  type Payload,
  type PayloadCodec,
} from '@temporalio/common'
import temporalProto from '@temporalio/proto'

import { activeKey, findKey, type RingKey } from '../../domain/key-ring.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'

const { Payload: PayloadMessage } = temporalProto.temporal.api.common.v1

/** How an encrypted payload says what it is: the words of Temporal's own samples. */
const ENCRYPTED = 'binary/encrypted'
const ENCODING = 'encoding'
const KEY_ID = 'encryption-key-id'
const ENCRYPTED_BYTES = Buffer.from(ENCRYPTED)

const CIPHER = 'aes-256-gcm'
/** What GCM is made for; never twice under one key, so it is random and keys are rotated. */
const IV_BYTES = 12
const TAG_BYTES = 16

/** Marks a payload that stays readable. */
const READABLE = 'groundstop-readable'

/**
 * A value that is not encrypted: the memo of a schedule, which the server never lets change, so that
 * its key could never be retired. For words of the registry alone, never for what somebody entered.
 */
export function readable(value: string): RawValue {
  const payload = defaultPayloadConverter.toPayload(value)
  const metadata = { ...payload.metadata, [READABLE]: Buffer.from('true') }
  return RawValue.fromPayload({ ...payload, metadata })
}

/** The module that closes failures too; also part of the workflow bundle. */
export const FAILURE_CONVERTER_PATH: string = fileURLToPath(
  new URL('../../workflows/failure-converter.ts', import.meta.url),
)

/** A payload that this process cannot open; `keyId` is the key that it names. */
export class PayloadKeyError extends Error {
  override readonly name = 'PayloadKeyError'
  readonly code: 'KEY_MISSING' | 'KEY_WRONG'
  readonly keyId: string

  constructor(
    code: PayloadKeyError['code'],
    keyId: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.keyId = keyId
  }
}

/**
 * The converter of a client or worker. Without keys nothing is encrypted, and what is says which key
 * it needs. `onProblem` is told of each payload that does not open: a worker's own error reaches the
 * server encrypted.
 */
export function payloadConverter(
  keys: KeyRingSource | null,
  onProblem?: (error: PayloadKeyError) => void,
): DataConverter {
  const codec = { payloadCodecs: [createPayloadCodec(keys, onProblem)] }
  return keys === null ? codec : { ...codec, failureConverterPath: FAILURE_CONVERTER_PATH }
}

/**
 * The codec over a ring. Payloads that are not encrypted pass as they are, so that runs from before
 * the first key go on. A key that is not there is looked for in the ring's source once.
 */
export function createPayloadCodec(
  keys: KeyRingSource | null,
  onProblem: (error: PayloadKeyError) => void = () => undefined,
): PayloadCodec {
  const objects = new Map<string, KeyObject>()
  const objectOf = ({ keyId, material }: RingKey): KeyObject => {
    // By material too: an id whose material was mended must not keep the bad one.
    const name = `${keyId} ${material}`
    const known = objects.get(name)
    if (known !== undefined) return known
    const made = createSecretKey(Buffer.from(material, 'base64'))
    objects.set(name, made)
    return made
  }
  return {
    async encode(payloads) {
      if (keys === null) return payloads
      const key = activeKey(keys.current())
      return payloads.map((payload) =>
        payload.metadata?.[READABLE] ? payload : encrypt(payload, key.keyId, objectOf(key)),
      )
    },
    async decode(payloads) {
      const opened: Payload[] = []
      try {
        for (const payload of payloads) {
          const keyId = keyIdOf(payload)
          if (keyId === null) opened.push(payload)
          else opened.push(decrypt(payload, keyId, objectOf(await keyOf(keys, keyId))))
        }
      } catch (error) {
        if (error instanceof PayloadKeyError) onProblem(error)
        throw error
      }
      return opened
    },
  }
}

/** The key that a payload is encrypted with; null when it is not. */
export function keyIdOf({ metadata }: Payload): string | null {
  const encoding = metadata?.[ENCODING]
  if (encoding === undefined || !ENCRYPTED_BYTES.equals(encoding)) return null
  return Buffer.from(metadata?.[KEY_ID] ?? []).toString('utf8')
}

async function keyOf(keys: KeyRingSource | null, keyId: string): Promise<RingKey> {
  if (keys !== null) {
    const key = findKey(keys.current(), keyId) ?? findKey(await keys.refresh(), keyId)
    if (key !== undefined) return key
  }
  const how = keys === null ? 'set PAYLOAD_KEYS_FILE to a ring that has it' : 'add it to the ring'
  const message = `payload is encrypted with key ${keyId}, which this process does not have: ${how}`
  throw new PayloadKeyError('KEY_MISSING', keyId, message)
}

function encrypt(payload: Payload, keyId: string, key: KeyObject): Payload {
  const plain = PayloadMessage.encode(payload).finish()
  const data = Buffer.allocUnsafe(IV_BYTES + plain.length + TAG_BYTES)
  const iv = randomFillSync(data.subarray(0, IV_BYTES))
  const cipher = createCipheriv(CIPHER, key, iv)
  // GCM writes as many bytes as it reads, all of them with `update`.
  cipher.update(plain).copy(data, IV_BYTES)
  cipher.final()
  cipher.getAuthTag().copy(data, IV_BYTES + plain.length)
  return { metadata: { [ENCODING]: ENCRYPTED_BYTES, [KEY_ID]: Buffer.from(keyId) }, data }
}

function decrypt({ data }: Payload, keyId: string, key: KeyObject): Payload {
  try {
    const bytes = Buffer.from(data ?? [])
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
    const plain = decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES))
    decipher.final()
    return PayloadMessage.decode(plain)
  } catch (cause) {
    const message =
      `payload does not open with key ${keyId}: the material under this id is another one, ` +
      'or the payload was changed'
    throw new PayloadKeyError('KEY_WRONG', keyId, message, { cause })
  }
}
