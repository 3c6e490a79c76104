/**
 * Asks a route of the app from within the process: the same middleware, checks and handler as over the
 * network. Who calls was found out before, and is handed over with the request.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

import type { Express } from 'express'

import { handCaller, type Caller } from '../caller.ts'

/** What is asked; the body is JSON text. */
export type InnerRequest = {
  readonly method: string
  /** The path with its query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** What the route answered. */
export type InnerAnswer = {
  readonly status: number
  readonly headers: ReturnType<ServerResponse['getHeaders']>
  readonly text: string
}

/** Asks as `caller`. Rejects when the route breaks off half-way. */
export function askInside(app: Express, asked: InnerRequest, caller: Caller): Promise<InnerAnswer> {
  const request = requestOf(asked)
  handCaller(request, caller)
  return new Promise((resolve, reject) => {
    const response = keepingResponse(request, resolve)
    // What no handler of the app takes any more.
    app(request as never, response as never, (error: unknown) => {
      reject(error instanceof Error ? error : new Error('nothing answered'))
    })
  })
}

function requestOf({ method, url, headers, body }: InnerRequest): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  Object.assign(request, { method, url, headers: { ...headers, ...length } })
  if (body !== undefined) request.push(body)
  request.push(null)
  return request
}

/** A response that keeps what is written instead of sending it. */
function keepingResponse(
  request: IncomingMessage,
  resolve: (answer: InnerAnswer) => void,
): ServerResponse {
  const response = new ServerResponse(request)
  const chunks: Buffer[] = []
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string') chunks.push(Buffer.from(chunk))
    else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk))
  }
  response.write = (chunk: unknown): boolean => {
    keep(chunk)
    return true
  }
  response.end = (chunk?: unknown): ServerResponse => {
    keep(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    resolve({ status: response.statusCode, headers: response.getHeaders(), text })
    response.emit('finish')
    response.emit('close')
    return response
  }
  return response
}
