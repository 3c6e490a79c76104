/**
 * Who may call: whoever has a token or an API key, whoever is signed in, and on this machine everybody
 * while no token is configured.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

import type { Request, RequestHandler } from 'express'

import { isLoopback } from '../config/config.ts'
import type { ApiKeyStore } from '../domain/ports/api-key-store.ts'
import type { ProofStore } from '../domain/ports/proof-store.ts'
import { DEFAULT_TENANT } from '../domain/role.ts'
import { hashOfKey, KEY_PREFIX } from '../operations/manage-api-keys.ts'
import { handedCaller, LOCAL_CALLER, noteCaller, type Caller } from './caller.ts'
import { proofProblem, requireProof } from './dpop.ts'
import { ProblemError } from './problem.ts'
import { requireOwnOrigin } from './sign-in/origin.ts'
import { passwordChangeRequired } from './sign-in/password-change.ts'
import type { SignIn } from './sign-in/sign-in.ts'
import type { TokenGrant } from './token-file.ts'

/** What is let in: the one token of the environment, which is an admin's, and those of the file. */
export type Tokens = { readonly token: string | null; readonly grants: readonly TokenGrant[] }

/** What the door asks. */
export type DoorDeps = {
  readonly tokens: Tokens
  /** Whether only this machine reaches the API. */
  readonly isLoopback: boolean
  readonly signIn: Pick<SignIn, 'sessionOf'>
  readonly apiKeys: Pick<ApiKeyStore, 'use'>
  readonly proofs: ProofStore
  readonly publicUrl: string | null
}

/** A caller and what must be proven to be it; null: having the token is enough. */
type Holder = { readonly caller: Caller; readonly dpopThumbprint: string | null }
type Known = Holder & { readonly digest: Buffer }

/** Finds out who sends a request. Throws a problem when nobody that is let in does. */
export type Doorkeeper = (request: Request) => Promise<Caller>

/** The same while the request is being answered: what it proved at its beginning is not asked anew. */
export function createRecheck(deps: DoorDeps): Doorkeeper {
  const known = knownTokens(deps.tokens)
  return (request) => callerOfRequest(deps, known, request, false)
}

/** The doorkeeper of these tokens, keys and sessions. */
export function createDoorkeeper(deps: DoorDeps): Doorkeeper {
  const known = knownTokens(deps.tokens)
  return (request) => callerOfRequest(deps, known, request, true)
}

/** Notes who calls, or refuses. */
export function requireCaller(askWho: Doorkeeper): RequestHandler {
  return async (request, response, next) => {
    noteCaller(response, handedCaller(request) ?? (await askWho(request)))
    next()
  }
}

async function callerOfRequest(
  deps: DoorDeps,
  known: readonly Known[],
  request: Request,
  isEntry: boolean,
): Promise<Caller> {
  const header = request.get('authorization')
  if (header === undefined) {
    const caller = await signedInCaller(deps, request)
    if (caller !== null) return caller
  }
  const [, scheme = '', token = ''] = /^(Bearer|DPoP) +(\S+)$/i.exec(header ?? '') ?? []
  const isKey = token.startsWith(KEY_PREFIX)
  const holder = isKey ? await keyHolder(deps, token) : find(known, token)
  if (holder !== null) {
    if (isEntry) await requireHolder(deps, request, { ...holder, scheme, token })
    return holder.caller
  }
  // A key that does not hold says that somebody else is meant than everybody on this machine.
  if (known.length === 0 && deps.isLoopback && !isKey) return LOCAL_CALLER
  throw new ProblemError(401, 'unauthorized', 'send the header Authorization: Bearer <token>', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** Who is signed in; changes must come from our own pages. */
async function signedInCaller(
  { signIn, publicUrl }: DoorDeps,
  request: Request,
): Promise<Caller | null> {
  const signedIn = await signIn.sessionOf(request.get('cookie'))
  if (signedIn === null) return null
  requireOwnOrigin(request, publicUrl)
  const { name, role, tenant, mustChangePassword } = signedIn
  if (mustChangePassword) throw passwordChangeRequired()
  return { name, role, tenant, isNamed: true }
}

/** Keys cannot take the names of people: theirs begin with `key:`. */
async function keyHolder({ apiKeys }: DoorDeps, token: string): Promise<Holder | null> {
  const grant = await apiKeys.use(hashOfKey(token))
  if (grant === null) return null
  const { name, role, tenant, dpopThumbprint } = grant
  return { caller: { name: `key:${name}`, role, tenant, isNamed: true }, dpopThumbprint }
}

/** What is bound to a key pair is taken with a proof alone, and nothing else is called DPoP. */
async function requireHolder(
  { proofs, publicUrl }: DoorDeps,
  request: Request,
  { scheme, token, dpopThumbprint: thumbprint }: Holder & { scheme: string; token: string },
): Promise<void> {
  const isProven = scheme.toLowerCase() === 'dpop'
  if (thumbprint === null && !isProven) return
  if (thumbprint === null || !isProven) throw wrongScheme(thumbprint !== null)
  await requireProof(request, { proofs, token, thumbprint, publicUrl })
}

function wrongScheme(isBound: boolean): ProblemError {
  const detail = isBound
    ? 'this token is bound to a key: send Authorization: DPoP <token> with a proof'
    : 'this token is bound to no key: send Authorization: Bearer <token>'
  return proofProblem('invalid_token', detail)
}

function knownTokens({ token, grants }: Tokens): Known[] {
  const known = grants.map(({ name, role, sha256, dpopThumbprint = null }) => ({
    caller: { name, role, tenant: DEFAULT_TENANT, isNamed: true },
    dpopThumbprint,
    digest: Buffer.from(sha256, 'hex'),
  }))
  if (token === null) return known
  const caller: Caller = { ...LOCAL_CALLER, name: 'api-token' }
  return [...known, { caller, dpopThumbprint: null, digest: digestOf(token) }]
}

function find(known: readonly Known[], token: string): Known | null {
  const given = digestOf(token)
  // Each is compared, so that the time does not tell which one came close.
  return known.filter(({ digest }) => timingSafeEqual(digest, given))[0] ?? null
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * Without a token only requests to a loopback name are served, so that a web page on another name
 * that was pointed at 127.0.0.1 cannot reach the API through somebody's browser.
 */
export function requireLoopbackName(): RequestHandler {
  return (request, _response, next) => {
    const name = (request.get('host') ?? '').replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')
    if (isLoopback(name)) return next()
    throw new ProblemError(403, 'forbidden-host', 'ask for localhost, 127.0.0.1 or [::1]')
  }
}
