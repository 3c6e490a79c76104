/**
 * Who may call: whoever has a token or an API key, whoever is signed in, and on this machine everybody
 * while no token is configured.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

import type { Request, RequestHandler } from 'express'

import { isLoopback } from '../config/config.ts'
import { DEFAULT_TENANT } from '../domain/role.ts'
import { LOCAL_CALLER, noteCaller, type Caller } from './caller.ts'
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
  readonly publicUrl: string | null
}

type Known = { readonly caller: Caller; readonly digest: Buffer }

/** Notes who calls, or refuses. */
export function requireCaller(deps: DoorDeps): RequestHandler {
  const known = knownTokens(deps.tokens)
  return async (request, response, next) => {
    noteCaller(response, await callerOfRequest(deps, known, request))
    next()
  }
}

async function callerOfRequest(
  deps: DoorDeps,
  known: readonly Known[],
  request: Request,
): Promise<Caller> {
  const isOpen = known.length === 0 && deps.isLoopback
  const header = request.get('authorization')
  if (header === undefined) {
    const caller = await signedInCaller(deps, request)
    if (caller !== null) return caller
  }
  const caller = isOpen ? LOCAL_CALLER : find(known, header)
  if (caller !== null) return caller
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

function knownTokens({ token, grants }: Tokens): Known[] {
  const known = grants.map(({ name, role, sha256 }) => ({
    caller: { name, role, tenant: DEFAULT_TENANT, isNamed: true },
    digest: Buffer.from(sha256, 'hex'),
  }))
  if (token === null) return known
  const caller: Caller = { ...LOCAL_CALLER, name: 'api-token' }
  return [...known, { caller, digest: digestOf(token) }]
}

function find(known: readonly Known[], header: string | undefined): Caller | null {
  const given = digestOf(/^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '')
  // Each is compared, so that the time does not tell which one came close.
  return known.filter(({ digest }) => timingSafeEqual(digest, given))[0]?.caller ?? null
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
