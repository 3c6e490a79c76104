/** Who may call: loopback callers without a token, everybody else with `Authorization: Bearer`. */
import type { RequestHandler } from 'express'

import { isLoopback } from '../config/config.ts'
import { hasToken } from '../platform/metrics-server.ts'
import { ProblemError } from './problem.ts'

/** Asks for the token. Comparison takes the same time whatever is wrong. */
export function requireToken(token: string): RequestHandler {
  return (request, _response, next) => {
    if (hasToken(request.get('authorization'), token)) return next()
    throw new ProblemError(401, 'unauthorized', 'send the header Authorization: Bearer <token>', {
      headers: { 'www-authenticate': 'Bearer' },
    })
  }
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
