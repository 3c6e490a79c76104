/**
 * Proofs of possession (DPoP, RFC 9449): a token that is bound to a key pair is taken only with a proof,
 * signed for this request and shown once, that its sender has that key.
 */
import { createHash } from 'node:crypto'

import type { Request } from 'express'
import { calculateJwkThumbprint, EmbeddedJWK, errors, jwtVerify, type JWTPayload } from 'jose'

import type { ProofStore } from '../domain/ports/proof-store.ts'
import { instantFromMs } from '../domain/time.ts'
import { ProblemError } from './problem.ts'

/** Signatures that are checked: of key pairs, never of shared secrets. */
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256']
/** How old a proof may be; its id is remembered for as long. */
const PROOF_AGE_S = 60
/** How far a sender's clock may be ahead of ours. */
const CLOCK_SKEW_S = 10
const JTI_LENGTH = 256
const MS_PER_S = 1_000

/** What a proof is checked for. */
export type ProofCheck = {
  readonly proofs: ProofStore
  /** The token that it goes with. */
  readonly token: string
  /** The key pair that the token is bound to. */
  readonly thumbprint: string
  readonly publicUrl: string | null
}

/** Throws a 401 problem unless the request proves that its sender has the key of the token. */
export async function requireProof(request: Request, check: ProofCheck): Promise<void> {
  const proof = request.get('dpop')
  if (proof === undefined) {
    throw proofProblem(
      'invalid_token',
      'this token is bound to a key: send a proof in the header DPoP',
    )
  }
  const { payload, thumbprint } = await verified(proof)
  if (thumbprint !== check.thumbprint) {
    throw proofProblem('invalid_token', 'the proof is of another key than the token is bound to')
  }
  requireFor(request, payload, check)
  const jti = requireId(payload)
  const issuedAtS = requireFresh(payload)
  const id = createHash('sha256').update(`${thumbprint}|${jti}`).digest('hex')
  const expiresAt = instantFromMs((issuedAtS + PROOF_AGE_S + CLOCK_SKEW_S) * MS_PER_S)
  if (!(await check.proofs.remember(id, expiresAt))) throw refused('it was shown before')
}

type Verified = { readonly payload: JWTPayload; readonly thumbprint: string }

async function verified(proof: string): Promise<Verified> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ALGORITHMS,
    })
    const { jwk } = protectedHeader
    if (jwk === undefined) throw refused('it names no key')
    return { payload, thumbprint: await calculateJwkThumbprint(jwk, 'sha256') }
  } catch (error) {
    if (error instanceof ProblemError) throw error
    // Keys that cannot be read end in errors of the platform.
    const why = error instanceof errors.JOSEError ? error.message : 'its key cannot be read'
    throw refused(why.replaceAll('"', "'"))
  }
}

function requireFor(request: Request, payload: JWTPayload, check: ProofCheck): void {
  const { htm, htu, ath } = payload
  if (htm !== request.method)
    throw refused(`it is for another method: htm must be ${request.method}`)
  const url = typeof htu === 'string' ? URL.parse(htu) : null
  const path = new URL(request.originalUrl, 'http://any').pathname
  const isOurs = url !== null && originsOf(request, check).includes(url.origin)
  if (!isOurs || url.pathname !== path) throw refused('it is for another address: see htu')
  const expected = createHash('sha256').update(check.token).digest('base64url')
  if (ath !== expected) throw refused('it goes with another token: see ath')
}

/** Where this request may have been sent to: as its sender names us, or as we are known. */
function originsOf(request: Request, { publicUrl }: ProofCheck): string[] {
  const host = request.get('host') ?? ''
  const own = `${request.protocol}://${host}`
  return [own, ...(publicUrl === null ? [] : [publicUrl])].flatMap((text) => {
    const url = URL.parse(text)
    return url === null ? [] : [url.origin]
  })
}

function requireId({ jti }: JWTPayload): string {
  if (typeof jti === 'string' && jti !== '' && jti.length <= JTI_LENGTH) return jti
  throw refused(`jti must be a text of 1 to ${JTI_LENGTH} characters`)
}

function requireFresh({ iat }: JWTPayload): number {
  const nowS = Date.now() / MS_PER_S
  if (typeof iat !== 'number') throw refused('iat must say when it was made')
  if (iat > nowS + CLOCK_SKEW_S) throw refused('iat is in the future')
  if (iat < nowS - PROOF_AGE_S) throw refused(`it is older than ${PROOF_AGE_S} s: see iat`)
  return iat
}

function refused(why: string): ProblemError {
  return proofProblem('invalid_dpop_proof', `the DPoP proof is not taken: ${why}`)
}

/** A 401 problem in the terms of RFC 9449. */
export function proofProblem(error: string, detail: string): ProblemError {
  const algorithms = ALGORITHMS.join(' ')
  return new ProblemError(401, 'dpop-proof', detail, {
    headers: { 'www-authenticate': `DPoP error="${error}", algs="${algorithms}"` },
  })
}
