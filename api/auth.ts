/** Who may call: loopback callers without a token, everybody else with `Authorization: Bearer`. */
import { createHash, timingSafeEqual } from 'node:crypto'

import type { RequestHandler } from 'express'

import { isLoopback } from '../config/config.ts'
import { LOCAL_CALLER, noteCaller, type Caller } from './caller.ts'
import { ProblemError } from './problem.ts'
import type { TokenGrant } from './token-file.ts'

/** What is let in: the one token of the environment, which is an admin's, and those of the file. */
export type Tokens = { readonly token: string | null; readonly grants: readonly TokenGrant[] }

/** Asks for a token when there is one. Comparison takes the same time whatever is wrong. */
export function requireCaller({ token, grants }: Tokens): RequestHandler {
  const known: (Caller & { readonly digest: Buffer })[] = grants.map(({ name, role, sha256 }) => ({
    name,
    role,
    isNamed: true,
    digest: Buffer.from(sha256, 'hex'),
  }))
  if (token !== null) {
    known.push({ name: 'api-token', role: 'admin', isNamed: false, digest: digestOf(token) })
  }
  return (request, response, next) => {
    const caller = known.length === 0 ? LOCAL_CALLER : find(known, request.get('authorization'))
    if (caller === null) {
      throw new ProblemError(401, 'unauthorized', 'send the header Authorization: Bearer <token>', {
        headers: { 'www-authenticate': 'Bearer' },
      })
    }
    noteCaller(response, { name: caller.name, role: caller.role, isNamed: caller.isNamed })
    next()
  }
}

function find<T extends { readonly digest: Buffer }>(
  known: readonly T[],
  header: string | undefined,
): T | null {
  const given = digestOf(/^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '')
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
