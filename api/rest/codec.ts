/**
 * Opens and closes payloads for Temporal's Web UI and `temporal` command, in the protocol of its remote
 * codecs. Whoever asks must be allowed to see payloads; a browser must come from a known page.
 */
import type { Express, RequestHandler } from 'express'
import { z } from 'zod'

import type { PayloadCodec } from '@temporalio/common'

import { PayloadKeyError } from '../../platform/temporal/payload-codec.ts'
import type { Contract } from '../contract.ts'
import { ProblemError, parseInput } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'

/** What the routes need. */
export type CodecDeps = {
  readonly payloadCodec: PayloadCodec
  /** Pages whose browsers may ask, as `http://127.0.0.1:8233`. */
  readonly codecOrigins: readonly string[]
}

const PATH = '/api/codec'

/** A page of a history: its payloads have 2 MB at most each, and base64 adds a third. */
const BODY_LIMIT_BYTES = 8_000_000
const PAYLOADS_AT_ONCE = 5_000

/** How long a browser remembers that it may ask. Seconds. */
const PREFLIGHT_MAX_AGE_S = 600

const bytes = z.base64()

/** As protocol buffers are written in JSON. */
const payloads = z.object({
  payloads: z
    .array(z.object({ metadata: z.record(z.string(), bytes).optional(), data: bytes.optional() }))
    .max(PAYLOADS_AT_ONCE)
    .default([]),
})

const contract = (summary: string): Contract => ({
  summary,
  permission: 'payload.read',
  body: payloads,
  bodyLimitBytes: BODY_LIMIT_BYTES,
  answers: { 200: payloads },
})

/**
 * Answers browsers' questions whether they may ask, before anybody is asked who he is: a browser sends
 * no token with that question. A page that is not known is refused, whatever token it sends.
 */
export function addCodecOrigins(app: Express, { codecOrigins }: CodecDeps): void {
  const known = new Set(codecOrigins)
  const guard: RequestHandler = (request, response, next) => {
    const origin = request.get('origin')
    response.vary('origin')
    if (origin === undefined || isOwnPage(origin, request.get('host'))) return next()
    if (!known.has(origin)) {
      throw new ProblemError(403, 'forbidden-origin', 'pages of this origin may not open payloads')
    }
    response.set({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
    })
    if (request.method !== 'OPTIONS') return next()
    response
      .set({
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, content-type, x-namespace',
        'access-control-max-age': String(PREFLIGHT_MAX_AGE_S),
      })
      .status(204)
      .end()
  }
  app.use(PATH, guard)
}

/** The API's own documents' page. */
function isOwnPage(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.parse(origin)?.host === host
}

/** `POST /api/codec/decode` and `/encode`: `{payloads}` -> `{payloads}`, in the same order. */
export function addCodecRoutes(app: Express, { payloadCodec }: CodecDeps): void {
  for (const [name, summary] of [
    ['decode', "Opens encrypted payloads, for Temporal's tools"],
    ['encode', "Closes payloads, for Temporal's tools"],
  ] as const) {
    addRoute(
      app,
      `${PATH}/${name}`,
      {
        post: [
          ...jsonBody(BODY_LIMIT_BYTES),
          async (request, response) => {
            const { payloads: given } = parseInput(payloads, request.body, 'body')
            const coded = await payloadCodec[name](given.map(fromJson)).catch(keyProblem)
            response.set('cache-control', 'no-store').json({ payloads: coded.map(toJson) })
          },
        ],
      },
      { post: contract(summary) },
    )
  }
}

type JsonPayload = z.output<typeof payloads>['payloads'][number]
type Payload = Parameters<PayloadCodec['decode']>[0][number]

function fromJson({ metadata, data }: JsonPayload): Payload {
  const fields = Object.entries(metadata ?? {})
  return {
    metadata: Object.fromEntries(fields.map(([key, text]) => [key, Buffer.from(text, 'base64')])),
    data: Buffer.from(data ?? '', 'base64'),
  }
}

function toJson({ metadata, data }: Payload): JsonPayload {
  const fields = Object.entries(metadata ?? {})
  return {
    metadata: Object.fromEntries(
      fields.map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(data ?? []).toString('base64'),
  }
}

function keyProblem(error: unknown): never {
  if (!(error instanceof PayloadKeyError)) throw error
  const errors = [{ path: 'payloads', message: error.message }]
  throw new ProblemError(422, 'invalid-request', error.message, { errors, cause: error })
}
