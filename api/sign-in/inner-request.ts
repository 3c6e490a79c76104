/** Requests as they are handed to better-auth within the process: what it needs of them, and no more. */
import type { Request } from 'express'

/** The part of the path that better-auth answers under. */
export const AUTH_PATH = '/api/auth'
/** Never asked over the network: links are ours, and whose request it is was checked before. */
export const INNER_URL = 'http://sign-in.internal'
/** The header by which it is told who asks; what a client sends under this name is dropped. */
export const CLIENT_IP = 'x-groundstop-client-ip'

/** What better-auth is asked for. */
export type AuthQuestion = {
  readonly method: 'GET' | 'POST'
  /** Under `/api/auth`, with its query. */
  readonly path: string
  readonly body?: unknown
}

/** The question with the cookies of the request that it is asked for. */
export function innerRequest(request: Request, question: AuthQuestion): globalThis.Request {
  const { method, path, body } = question
  // Whose page the request came from was checked at our door; within there is one origin.
  const headers = new Headers({ origin: INNER_URL })
  for (const name of ['cookie', 'user-agent']) {
    const value = request.get(name)
    if (value !== undefined) headers.set(name, value)
  }
  if (request.ip !== undefined) headers.set(CLIENT_IP, request.ip)
  if (body !== undefined) headers.set('content-type', 'application/json')
  return new globalThis.Request(`${INNER_URL}${AUTH_PATH}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}
