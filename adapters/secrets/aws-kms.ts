/**
 * Keys of rings closed by AWS KMS, with the key's id as encryption context, so that what was closed for one
 * id opens for no other. Region and credentials are found as the AWS SDK finds them.
 */
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import type { KMSClientConfig } from '@aws-sdk/client-kms'

import { KeyRingError } from '../../domain/key-ring.ts'
import type { KeyWrapping } from '../../domain/ports/key-wrapping.ts'

const SCHEME = 'aws-kms:'

/** A ring is read when a process starts: it waits this long, three times, before it says so. */
const CONNECT_MS = 2_000
const ANSWER_MS = 5_000
const ATTEMPTS = 3

/** The wrapping under a key: `aws-kms:` and its id, ARN or alias. `options`: for another endpoint. */
export function createAwsKms(name: string, options: KMSClientConfig = {}): KeyWrapping {
  const client = new KMSClient({
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS },
    ...options,
  })
  return {
    name,
    wrap: (material, keyId) =>
      told(name, keyId, async () => {
        const request = {
          KeyId: idOf(name),
          Plaintext: Buffer.from(material, 'base64'),
          EncryptionContext: contextOf(keyId),
        }
        return (await client.send(new EncryptCommand(request))).CiphertextBlob
      }),
    unwrap: (wrapped, keyId, wrappedBy) =>
      told(wrappedBy, keyId, async () => {
        const request = {
          KeyId: idOf(wrappedBy),
          CiphertextBlob: Buffer.from(wrapped, 'base64'),
          EncryptionContext: contextOf(keyId),
        }
        return (await client.send(new DecryptCommand(request))).Plaintext
      }),
  }
}

function idOf(name: string): string {
  if (name.startsWith(SCHEME)) return name.slice(SCHEME.length)
  throw new KeyRingError(`${name} is no key of AWS KMS`)
}

function contextOf(keyId: string): Record<string, string> {
  return { product: 'groundstop', keyId }
}

/** In base64. The service's own words may repeat the request, so only its error's name is told. */
async function told(
  name: string,
  keyId: string,
  work: () => Promise<Uint8Array | undefined>,
): Promise<string> {
  try {
    const bytes = await work()
    if (bytes !== undefined) return Buffer.from(bytes).toString('base64')
  } catch (error) {
    if (error instanceof KeyRingError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    const why = code ?? (error instanceof Error ? error.name : 'unknown error')
    throw new KeyRingError(`key ${keyId}: ${name} refused or was not reached: ${why}`)
  }
  throw new KeyRingError(`key ${keyId}: ${name} gave an empty answer`)
}
