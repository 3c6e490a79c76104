/**
 * AWS KMS on loopback, as its clients see it: the JSON protocol of Encrypt and Decrypt, signed requests, one key
 * under one alias, and encryption contexts that must be the same.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { z } from 'zod'

import { canonicalJson } from '../../operations/canonical-json.ts'

const CONTEXT = z.record(z.string(), z.string())
const ENCRYPT = z.object({ KeyId: z.string(), Plaintext: z.base64(), EncryptionContext: CONTEXT })
const DECRYPT = z.object({
  KeyId: z.string(),
  CiphertextBlob: z.base64(),
  EncryptionContext: CONTEXT,
})

const SIGNATURE = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[a-z0-9-]+\/kms\/aws4_request, /
const [IV_BYTES, TAG_BYTES] = [12, 16]

/** What it refuses with: the name is all that clients may rely on. */
class KmsRefusal extends Error {
  override readonly name = 'KmsRefusal'
}

/** A server with a key under `alias`. `calls`: the operations that were asked, in order. */
export async function startKmsServer(alias: string) {
  const key = randomBytes(32)
  const calls: string[] = []
  const requireKey = (id: string): void => {
    if (id !== alias) throw new KmsRefusal('NotFoundException')
  }
  const operations: Readonly<Record<string, (body: unknown) => object>> = {
    'TrentService.Encrypt': (body) => {
      const { KeyId, Plaintext, EncryptionContext } = ENCRYPT.parse(body)
      requireKey(KeyId)
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      cipher.setAAD(Buffer.from(canonicalJson(EncryptionContext)))
      const closed = [cipher.update(Plaintext, 'base64'), cipher.final()]
      const blob = Buffer.concat([iv, ...closed, cipher.getAuthTag()])
      return { KeyId, CiphertextBlob: blob.toString('base64') }
    },
    'TrentService.Decrypt': (body) => {
      const { KeyId, CiphertextBlob, EncryptionContext } = DECRYPT.parse(body)
      requireKey(KeyId)
      const blob = Buffer.from(CiphertextBlob, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, IV_BYTES))
      decipher.setAAD(Buffer.from(canonicalJson(EncryptionContext)))
      decipher.setAuthTag(blob.subarray(-TAG_BYTES))
      try {
        const opened = [decipher.update(blob.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]
        return { KeyId, Plaintext: Buffer.concat(opened).toString('base64') }
      } catch {
        throw new KmsRefusal('InvalidCiphertextException')
      }
    },
  }
  const answer = (target: string, signature: string, body: string): object => {
    if (!SIGNATURE.test(signature)) throw new KmsRefusal('MissingAuthenticationTokenException')
    const operation = operations[target]
    if (operation === undefined) throw new KmsRefusal('UnknownOperationException')
    calls.push(target)
    return operation(JSON.parse(body))
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { authorization = '', 'x-amz-target': target } = request.headers
    let status = 200
    let said: object
    try {
      said = answer(String(target), authorization, await text(request))
    } catch (error) {
      status = 400
      const type = error instanceof KmsRefusal ? error.message : 'ValidationException'
      said = { __type: type, message: 'as the service would say' }
    }
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(said))
  }
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // The server listens on a port, so its address is one.
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
