/** One POST to a channel's provider over HTTP, and what its answer means for the message. */
import { Agent, request } from 'undici'

import type { SendOutcome } from '../../domain/ports/notifier.ts'
import { SECOND_MS } from '../../domain/time.ts'
import { IDLE_AT_MOST_MS } from '../idle-connections.ts'
import { correlationHeader } from '../../platform/correlation.ts'

const CONNECT_TIMEOUT_MS = 5 * SECOND_MS
/** A provider that takes longer is treated as away; its answer, if it comes, finds the same id again. */
export const HTTP_TIMEOUT_MS = 10 * SECOND_MS
/** Answers are a word or a small JSON; nobody's error page is read to its end. */
const ANSWER_LIMIT_BYTES = 65_536

/** A channel's connections; one that lies idle is closed, after seconds or when its server promised. */
export function createHttpAgent(connections: number, idleAtMostMs = IDLE_AT_MOST_MS): Agent {
  return new Agent({
    connections,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    pipelining: 1,
    keepAliveMaxTimeout: idleAtMostMs,
  })
}

/** An answer, or none: the connection failed or took too long. */
export type HttpAnswer =
  | {
      readonly isAnswer: true
      readonly status: number
      readonly body: string
      readonly retryAfterMs: number | null
    }
  | { readonly isAnswer: false; readonly code: string }

/** What is sent. Redirects are not followed: they would carry a signature or a secret elsewhere. */
export type HttpPost = {
  readonly url: string
  readonly method?: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly timeoutMs?: number
}

/** Sends. Rejects only with the signal's reason. */
export async function sendHttp(
  agent: Agent,
  { url, method = 'POST', headers, body, timeoutMs = HTTP_TIMEOUT_MS }: HttpPost,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  signal?.throwIfAborted()
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method,
      headers: { ...headers, ...correlationHeader() },
      body: body ?? null,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
    return {
      isAnswer: true,
      status: answer.statusCode,
      body: await readStart(answer.body),
      retryAfterMs: retryAfterOf(answer.headers['retry-after']),
    }
  } catch (error) {
    signal?.throwIfAborted()
    return { isAnswer: false, code: codeOf(error) }
  }
}

async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size >= ANSWER_LIMIT_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, ANSWER_LIMIT_BYTES)
}

/** Seconds, as providers send it; a date is left to our own waits. */
function retryAfterOf(header: string | string[] | undefined): number | null {
  const seconds = Number(header)
  return typeof header === 'string' && Number.isFinite(seconds) && seconds >= 0
    ? seconds * SECOND_MS
    : null
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : 'CONNECTION_FAILED'
}

/** How a channel differs from the rule of `outcomeOfAnswer`. */
export type AnswerRules = {
  /** One provider answers for all messages, so that its being away is the channel's. */
  readonly isOneProvider: boolean
  /** Statuses that say that the address is no more. */
  readonly gone: readonly number[]
  /** Statuses that say that our credentials are wrong: no message of ours would be taken. */
  readonly credentials: readonly number[]
}

/** A good answer is the channel's own to read; null for it. */
export function outcomeOfAnswer(answer: HttpAnswer, rules: AnswerRules): SendOutcome | null {
  const isChannelDown = rules.isOneProvider
  if (!answer.isAnswer) {
    return { kind: 'retry', code: answer.code, retryAfterMs: null, isChannelDown }
  }
  const { status, retryAfterMs } = answer
  const code = `HTTP_${status}`
  if (status >= 200 && status < 300) return null
  if (rules.gone.includes(status)) return { kind: 'refused', code, isAddressGone: true }
  if (rules.credentials.includes(status)) {
    return { kind: 'retry', code, retryAfterMs, isChannelDown: true }
  }
  if (status === 429 || status === 502 || status === 503 || status === 504) {
    return { kind: 'retry', code, retryAfterMs, isChannelDown }
  }
  // A server that breaks on one message may take the next one.
  if (status >= 500 || status === 408 || status === 425) {
    return { kind: 'retry', code, retryAfterMs, isChannelDown: false }
  }
  return { kind: 'refused', code, isAddressGone: false }
}
