/** Slack, for operators: an incoming webhook of one channel. */
import type { Notifier, OutgoingMessage } from '../../domain/ports/notifier.ts'
import { createHttpAgent, outcomeOfAnswer, sendHttp } from './http-outcome.ts'

/** Where Slack is told. */
export type SlackOptions = {
  /** The incoming webhook's address. Whoever knows it may write there: a secret, never logged. */
  readonly url: string
  readonly timeoutMs?: number
}

/** Slack cuts longer texts itself, in the middle of a word. */
const TEXT_LIMIT = 3_000

/** The Slack channel. */
export function createSlackNotifier({ url, timeoutMs }: SlackOptions): Notifier {
  const agent = createHttpAgent(1)
  return {
    channel: 'slack',
    id: 'slack',
    async send(message, signal) {
      const post = {
        url,
        headers: { 'content-type': 'application/json', 'idempotency-key': message.notificationId },
        body: JSON.stringify({ text: textOf(message) }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      }
      const answer = await sendHttp(agent, post, signal)
      // A webhook that was taken away answers 403, 404 or 410: said at once, not after three days.
      const rules = { isOneProvider: true, gone: [403, 404, 410], credentials: [] }
      return (
        outcomeOfAnswer(answer, rules) ?? { kind: 'sent', providerRef: null, isDelivered: true }
      )
    },
    [Symbol.asyncDispose]: () => agent.close(),
  }
}

function textOf({ subject, text }: OutgoingMessage): string {
  return escapeSlack(`*${subject}*\n${text.trim()}`).slice(0, TEXT_LIMIT)
}

/** The three characters that Slack reads as its own marks: nobody is called by `<!channel>`. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
