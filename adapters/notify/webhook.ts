/**
 * A webhook of the operators' own, signed as the Standard Webhooks specification has it
 * (standardwebhooks.com), which receivers check with its libraries.
 */
import { createHmac } from 'node:crypto'

import type { Clock } from '../../domain/ports/clock.ts'
import type { Notifier } from '../../domain/ports/notifier.ts'
import { SECOND_MS, toMs } from '../../domain/time.ts'
import { createHttpAgent, outcomeOfAnswer, sendHttp } from './http-outcome.ts'

/** Where it is told, and with what it is signed. */
export type WebhookOptions = {
  readonly url: string
  /**
   * `whsec_` and base64, or any text of 16 characters and more; the newest first. Each signs, so that a
   * receiver may go over to a new one in its own time. Never logged.
   */
  readonly secrets: () => readonly string[]
  /** Wall time, for the signature: receivers refuse old ones. */
  readonly wallClock: Clock
  readonly timeoutMs?: number
}

const CONNECTIONS = 5

/** The webhook channel. A 2xx is the receiver's own word, so the message counts as delivered. */
export function createWebhookNotifier(options: WebhookOptions): Notifier {
  const agent = createHttpAgent(CONNECTIONS)
  return {
    channel: 'webhook',
    id: 'webhook',
    async send(message, signal) {
      const { notificationId, subject, text, data } = message
      const timestamp = String(Math.floor(toMs(await options.wallClock.now()) / SECOND_MS))
      const body = JSON.stringify({ id: notificationId, type: data['event'], subject, text, data })
      const content = `${notificationId}.${timestamp}.${body}`
      const signatures = options.secrets().map((secret) => `v1,${sign(keyOf(secret), content)}`)
      const post = {
        url: options.url,
        headers: {
          'content-type': 'application/json',
          'webhook-id': notificationId,
          'webhook-timestamp': timestamp,
          'webhook-signature': signatures.join(' '),
        },
        body,
        ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      }
      const answer = await sendHttp(agent, post, signal)
      const rules = { isOneProvider: true, gone: [410], credentials: [401, 403] }
      return (
        outcomeOfAnswer(answer, rules) ?? {
          kind: 'sent',
          providerRef: notificationId,
          isDelivered: true,
        }
      )
    },
    [Symbol.asyncDispose]: () => agent.close(),
  }
}

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret, 'utf8')
}

function sign(key: Buffer, content: string): string {
  return createHmac('sha256', key).update(content).digest('base64')
}
