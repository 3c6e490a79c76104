/**
 * Whether a browser sent a request on behalf of another site. A session's cookie goes along with such
 * requests as well, so what changes something must come from our own pages.
 */
import type { Request } from 'express'

import { ProblemError } from '../problem.ts'

/** From our own pages, from another site, or from something that does not say: no browser. */
export type RequestOrigin = 'own' | 'other' | 'unsaid'

/** What the browser itself says, which pages cannot change; `publicUrl` is another name of ours. */
export function originOf(request: Request, publicUrl: string | null): RequestOrigin {
  const site = request.get('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'own' : 'other'
  const origin = request.get('origin')
  if (origin === undefined) return 'unsaid'
  const url = URL.parse(origin)
  if (url === null) return 'other'
  const isOwn = url.host === request.get('host') || url.origin === originOfUrl(publicUrl)
  return isOwn ? 'own' : 'other'
}

function originOfUrl(url: string | null): string | null {
  return url === null ? null : new URL(url).origin
}

/** Methods that change nothing. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Throws a 403 problem for a change that a cookie speaks for and that does not come from our pages. */
export function requireOwnOrigin(request: Request, publicUrl: string | null): void {
  if (SAFE.has(request.method) || originOf(request, publicUrl) === 'own') return
  throw crossSite()
}

/** Throws a 403 problem for what another site sent, cookie or not: nobody is signed in by a stranger. */
export function refuseOtherOrigin(request: Request, publicUrl: string | null): void {
  if (originOf(request, publicUrl) === 'other') throw crossSite()
}

function crossSite(): ProblemError {
  return new ProblemError(
    403,
    'cross-site',
    'with a session cookie only our own pages may ask this',
  )
}
