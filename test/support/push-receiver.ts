/** What a browser does with a push message (RFC 8291 over RFC 8188), written from the RFCs alone. */
import { createDecipheriv, hkdfSync, type ECDH } from 'node:crypto'

const SALT_BYTES = 16
const TAG_BYTES = 16

/** The plain text of an `aes128gcm` body of one record. Throws when it is for another browser. */
export function decryptPush(body: Buffer, browser: ECDH, auth: Buffer): string {
  const salt = body.subarray(0, SALT_BYTES)
  const idLength = body.readUInt8(SALT_BYTES + 4)
  const headerLength = SALT_BYTES + 5 + idLength
  const senderKey = body.subarray(SALT_BYTES + 5, headerLength)
  const shared = browser.computeSecret(senderKey)
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), browser.getPublicKey(), senderKey])
  const keyMaterial = Buffer.from(hkdfSync('sha256', shared, auth, info, 32))
  const derive = (label: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', keyMaterial, salt, Buffer.from(`${label}\0`), length))
  const key = derive('Content-Encoding: aes128gcm', 16)
  const nonce = derive('Content-Encoding: nonce', 12)
  const record = body.subarray(headerLength)
  const decipher = createDecipheriv('aes-128-gcm', key, nonce)
  decipher.setAuthTag(record.subarray(-TAG_BYTES))
  const padded = Buffer.concat([decipher.update(record.subarray(0, -TAG_BYTES)), decipher.final()])
  // The last record ends in 2 and zeros.
  return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8')
}
