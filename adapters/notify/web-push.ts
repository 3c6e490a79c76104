/**
 * Web push (RFC 8030) to a holder's browser: encrypted for it (RFC 8291), signed by us (VAPID,
 * RFC 8292), through the `web-push` library; sent over our own bounded connections.
 */
import webpush from 'web-push'

import type { Notifier, OutgoingMessage } from '../../domain/ports/notifier.ts'
import { DAY_MS, SECOND_MS } from '../../domain/time.ts'
import { createHttpAgent, outcomeOfAnswer, sendHttp } from './http-outcome.ts'

/** Our identity towards push services. */
export type WebPushOptions = {
  /** base64url, 65 bytes. Browsers subscribe with it. */
  readonly publicKey: string
  /** base64url, 32 bytes. Never logged. */
  readonly privateKey: string
  /** `mailto:` or `https:` address for the push service's people. */
  readonly subject: string
  readonly timeoutMs?: number
}

const CONNECTIONS = 10
/** A browser that is away longer than this reads it elsewhere. */
const TIME_TO_LIVE_S = DAY_MS / SECOND_MS
/** Push services take 4,096 bytes encrypted; a message for a screen needs far less. */
const BODY_LIMIT = 1_000

/** Throws when the keys do not fit the standard. */
export function createWebPushNotifier(options: WebPushOptions): Notifier {
  const { subject, publicKey, privateKey } = options
  // Checks the keys now, not with the first message.
  webpush.setVapidDetails(subject, publicKey, privateKey)
  const agent = createHttpAgent(CONNECTIONS)
  return {
    channel: 'push',
    id: 'webpush',
    async send(message, signal) {
      const { address } = message
      if (address.kind !== 'push') throw new TypeError(`push cannot reach ${address.kind}`)
      const { endpoint, p256dh, auth } = address
      let details: webpush.RequestDetails
      try {
        details = webpush.generateRequestDetails(
          { endpoint, keys: { p256dh, auth } },
          payloadOf(message),
          {
            vapidDetails: { subject, publicKey, privateKey },
            TTL: TIME_TO_LIVE_S,
            urgency: 'normal',
            contentEncoding: 'aes128gcm',
            // At most 32 characters. One that waits for the browser is replaced by its own repeat.
            topic: message.notificationId.replaceAll('-', ''),
          },
        )
      } catch {
        // A key that is not one: nothing can be encrypted for this browser.
        return { kind: 'refused', code: 'SUBSCRIPTION_KEYS', isAddressGone: true }
      }
      const post = {
        url: details.endpoint,
        headers: headersOf(details.headers),
        ...(details.body === null ? {} : { body: details.body }),
        ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      }
      const answer = await sendHttp(agent, post, signal)
      // Browsers have different push services: one that is away says nothing of the others.
      const rules = { isOneProvider: false, gone: [404, 410], credentials: [] }
      return (
        outcomeOfAnswer(answer, rules) ?? { kind: 'sent', providerRef: null, isDelivered: false }
      )
    },
    [Symbol.asyncDispose]: () => agent.close(),
  }
}

/** What the page's service worker reads; `id` lets it show a repeat in place of the first. */
function payloadOf(message: OutgoingMessage): string {
  return JSON.stringify({
    id: message.notificationId,
    title: message.subject.slice(0, BODY_LIMIT),
    body: message.short.slice(0, BODY_LIMIT),
    lang: message.locale,
    data: message.data,
  })
}

/** The library's headers hold numbers too, and a length that is counted anew when it is sent. */
function headersOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.toLowerCase() !== 'content-length')
      .map(([name, value]) => [name, String(value)]),
  )
}
