/**
 * Proofs of possession (DPoP, RFC 9449) for a token that is bound to a key pair: what signs them, of the
 * platform's WebCrypto alone.
 */

/** A key of WebCrypto. */
type Key = Parameters<typeof crypto.subtle.exportKey>[1]

/** A private key as JWK (RFC 7517), of the curve P-256, P-384 or Ed25519. */
export type PrivateJwk = {
  readonly kty: string
  readonly crv: string
  readonly x: string
  /** Absent for Ed25519. */
  readonly y?: string
  readonly d: string
}

/** A pair of keys of WebCrypto, of one of those curves; the public one can be exported. */
export type KeyPair = { readonly privateKey: Key; readonly publicKey: Key }

/** What a proof is for. */
export type ProofRequest = {
  readonly method: string
  /** Its query is no part of the proof. */
  readonly url: URL | string
  readonly token: string
  /** What the server asked to be repeated. */
  readonly nonce?: string | undefined
}

/** A key pair that signs proofs. */
export type ProofKey = {
  /** What a token is bound to: `dpopThumbprint` of an API key (RFC 7638). */
  readonly thumbprint: string
  /** A proof for one request, taken once: the value of the header `DPoP`. */
  readonly prove: (request: ProofRequest) => Promise<string>
}

type PublicJwk = { readonly kty: string; readonly crv: string; readonly x: string; y?: string }
type Signing = { readonly alg: string; readonly name: string; readonly hash?: string }

const CURVES: Readonly<Record<string, Signing>> = {
  'P-256': { alg: 'ES256', name: 'ECDSA', hash: 'SHA-256' },
  'P-384': { alg: 'ES384', name: 'ECDSA', hash: 'SHA-384' },
  Ed25519: { alg: 'EdDSA', name: 'Ed25519' },
}
const MS_PER_S = 1_000

/**
 * The key pair that is given, or a fresh one of the curve P-256 whose private key never leaves WebCrypto
 * and is gone with the process. Throws TypeError for a key of another curve.
 */
export async function createProofKey(given?: KeyPair | PrivateJwk): Promise<ProofKey> {
  const { privateKey, jwk } = await (given === undefined
    ? fromPair(await freshPair())
    : 'd' in given
      ? fromJwk(given)
      : fromPair(given))
  const signing = signingOf(jwk)
  const head = encoded({ typ: 'dpop+jwt', alg: signing.alg, jwk })
  return {
    thumbprint: await digestOf(JSON.stringify(jwk)),
    async prove({ method, url, token, nonce }) {
      const { origin, pathname } = new URL(url)
      const body = encoded({
        ...{ jti: crypto.randomUUID(), htm: method, htu: origin + pathname },
        ...{ iat: Math.floor(Date.now() / MS_PER_S), ath: await digestOf(token) },
        ...(nonce === undefined ? {} : { nonce }),
      })
      const text = `${head}.${body}`
      const signature = await crypto.subtle.sign(signing, privateKey, bytesOf(text))
      return `${text}.${base64Url(signature)}`
    },
  }
}

type Parts = { readonly privateKey: Key; readonly jwk: PublicJwk }

async function freshPair(): Promise<KeyPair> {
  return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
}

async function fromPair({ privateKey, publicKey }: KeyPair): Promise<Parts> {
  const jwk = await crypto.subtle.exportKey('jwk', publicKey)
  return { privateKey, jwk: publicPart(jwk) }
}

async function fromJwk(given: PrivateJwk): Promise<Parts> {
  const jwk = publicPart(given)
  const { name } = signingOf(jwk)
  const privateKey = await crypto.subtle.importKey(
    'jwk',
    { ...jwk, d: given.d },
    { name, namedCurve: jwk.crv },
    false,
    ['sign'],
  )
  return { privateKey, jwk }
}

/** What everybody may see of it, in the order that its thumbprint is made of (RFC 7638, 3.2). */
function publicPart(jwk: { kty?: string; crv?: string; x?: string; y?: string }): PublicJwk {
  const { kty = '', crv = '', x = '', y } = jwk
  return { crv, kty, x, ...(y === undefined ? {} : { y }) }
}

function signingOf({ crv }: PublicJwk): Signing {
  const signing = CURVES[crv]
  if (signing !== undefined) return signing
  throw new TypeError(`a proof key is of the curve ${Object.keys(CURVES).join(', ')}`)
}

async function digestOf(text: string): Promise<string> {
  return base64Url(await crypto.subtle.digest('SHA-256', bytesOf(text)))
}

function encoded(part: object): string {
  return base64Url(bytesOf(JSON.stringify(part)))
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

function base64Url(bytes: ArrayBuffer | Uint8Array): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
