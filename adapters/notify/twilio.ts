/**
 * Text messages through Twilio's REST API, by the vendor's own library over our bounded connections.
 * Another server of the same dialect is used by its base URL alone. One try per call.
 */
import type { Agent } from 'undici'

import type {
  DeliveryReport,
  Notifier,
  OutgoingMessage,
  SendOutcome,
} from '../../domain/ports/notifier.ts'
import { createHttpAgent, sendHttp, type HttpAnswer } from './http-outcome.ts'

/** The account that sends. */
export type TwilioOptions = {
  readonly accountSid: string
  /** Never logged. */
  readonly authToken: string
  /** A number of ours, `+12025550100`, or a messaging service, `MG...`. */
  readonly from: string
  /** Default the official API. */
  readonly baseUrl?: string | null
  readonly timeoutMs?: number
}

const OFFICIAL_URL = 'https://api.twilio.com'
const CONNECTIONS = 5
/** The API's own limit on a body. */
const BODY_LIMIT = 1_600

/** Errors about the number itself: not one, not a mobile, left by its owner (STOP). */
const NUMBER_GONE = new Set([21_211, 21_614, 21_610, 21_217])
/** Errors about the account: no message of ours would be taken. */
const ACCOUNT_ERRORS = new Set([20_003, 20_005, 20_006, 20_008, 21_606, 21_659, 30_002])

/** The library takes half a second and 60 MB to load, so only what sends text messages loads it. */
const loadTwilio = async () => (await import('twilio')).default
type TwilioClient = ReturnType<Awaited<ReturnType<typeof loadTwilio>>>

/** The text-message channel. */
export function createTwilioNotifier(options: TwilioOptions): Notifier {
  const agent = createHttpAgent(CONNECTIONS)
  // A client per call: the only way to give the call its own header.
  const clientFor = async (headers: Readonly<Record<string, string>>, signal?: AbortSignal) => {
    const twilio = await loadTwilio()
    const httpClient = httpClientOf(agent, options, headers, signal)
    return twilio(options.accountSid, options.authToken, { httpClient: httpClient as never })
  }
  return {
    channel: 'sms',
    id: 'twilio',
    async send(message, signal) {
      if (message.address.kind !== 'sms') {
        throw new TypeError(`a text message cannot reach ${message.address.kind}`)
      }
      const token = { 'I-Twilio-Idempotency-Token': message.notificationId }
      const client = await clientFor(token, signal)
      return create(client, options.from, message.address.phone, message, signal)
    },
    async delivery(providerRef, signal) {
      return readDelivery(await clientFor({}, signal), providerRef, signal)
    },
    [Symbol.asyncDispose]: () => agent.close(),
  }
}

async function create(
  client: TwilioClient,
  from: string,
  to: string,
  message: OutgoingMessage,
  signal: AbortSignal | undefined,
): Promise<SendOutcome> {
  const sender = from.startsWith('MG') ? { messagingServiceSid: from } : { from }
  try {
    const body = message.short.slice(0, BODY_LIMIT)
    const { sid } = await client.messages.create({ to, body, ...sender })
    return { kind: 'sent', providerRef: sid, isDelivered: false }
  } catch (error) {
    signal?.throwIfAborted()
    return outcomeOfError(error)
  }
}

async function readDelivery(
  client: TwilioClient,
  sid: string,
  signal: AbortSignal | undefined,
): Promise<DeliveryReport> {
  try {
    const { status, errorCode } = await client.messages(sid).fetch()
    if (status === 'delivered' || status === 'read') return { kind: 'delivered' }
    if (status === 'undelivered' || status === 'failed') {
      return { kind: 'bounced', code: `TWILIO_${errorCode}` }
    }
    return { kind: 'pending' }
  } catch {
    signal?.throwIfAborted()
    // It is asked again with the next pass, for three days.
    return { kind: 'pending' }
  }
}

/** What the library hands to its HTTP client, as far as it is used here. */
type LibraryRequest = {
  readonly method: string
  readonly uri: string
  readonly username?: string
  readonly password?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly data?: Readonly<Record<string, string>>
}

/** Our connection failed: the library must not take it for an answer. */
class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
  readonly code: string

  constructor(code: string) {
    super(`no answer: ${code}`)
    this.code = code
  }
}

type AnswerToLibrary = { statusCode: number; body: string; headers: Record<string, string> }

function httpClientOf(
  agent: Agent,
  { baseUrl, timeoutMs }: TwilioOptions,
  extra: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
) {
  return {
    async request(call: LibraryRequest): Promise<AnswerToLibrary> {
      const credentials = `${call.username ?? ''}:${call.password ?? ''}`
      const answer = await sendHttp(
        agent,
        {
          url: rebased(call.uri, baseUrl ?? OFFICIAL_URL),
          method: call.method.toUpperCase() === 'POST' ? 'POST' : 'GET',
          headers: {
            ...call.headers,
            ...extra,
            authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
          },
          ...(call.data === undefined ? {} : { body: new URLSearchParams(call.data).toString() }),
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
        },
        signal,
      )
      return toLibrary(answer)
    },
  }
}

function rebased(uri: string, baseUrl: string): string {
  const { pathname, search } = new URL(uri)
  return `${baseUrl.replace(/\/$/, '')}${pathname}${search}`
}

function toLibrary(answer: HttpAnswer): AnswerToLibrary {
  if (!answer.isAnswer) throw new NoAnswerError(answer.code)
  const { status, body, retryAfterMs } = answer
  const headers = retryAfterMs === null ? {} : { 'retry-after': String(retryAfterMs / 1_000) }
  return { statusCode: status, body, headers }
}

/** What the library throws: its RestException has the API's own code beside the HTTP status. */
function outcomeOfError(error: unknown): SendOutcome {
  const { status, code } = error as { readonly status?: unknown; readonly code?: unknown }
  const retry = (name: string): SendOutcome => ({
    kind: 'retry',
    code: name,
    retryAfterMs: null,
    isChannelDown: true,
  })
  if (error instanceof NoAnswerError) return retry(error.code)
  if (typeof status !== 'number') return retry('TWILIO_MALFORMED')
  const name = typeof code === 'number' ? `TWILIO_${code}` : `HTTP_${status}`
  const isAccount = typeof code === 'number' && ACCOUNT_ERRORS.has(code)
  if (status === 401 || status === 403 || status === 429 || status >= 500 || isAccount) {
    return retry(name)
  }
  const isAddressGone = typeof code === 'number' && NUMBER_GONE.has(code)
  return { kind: 'refused', code: name, isAddressGone }
}
