/**
 * E-mail over SMTP through nodemailer, on a few kept connections. One try per call. The Message-ID is
 * the notification's id, so that a message sent twice after a crash is one message to its reader.
 */
import { createTransport, type SentMessageInfo, type Transporter } from 'nodemailer'

import { NOTIFICATION_REASONS } from '../../domain/notification.ts'
import type { Notifier, OutgoingMessage, SendOutcome } from '../../domain/ports/notifier.ts'
import { SECOND_MS } from '../../domain/time.ts'

/** How mail leaves. */
export type SmtpOptions = {
  /**
   * `smtp://user:password@host:587` (TLS by STARTTLS) or `smtps://...:465`. Never logged. Away from
   * this machine TLS is demanded unless the address ends in `?ignoreTLS=true`.
   */
  readonly url: string
  /** Sender: `Groundstop <notices@example.com>` or the address alone. */
  readonly from: string
  /** Where operators are told; null: e-mail is not for them. */
  readonly operators: string | null
  /** Connections at once. Default 5. */
  readonly connections?: number
  /** Longest wait for a connection, a greeting or an answer. Default 20,000 ms. */
  readonly timeoutMs?: number
}

const DEFAULT_CONNECTIONS = 5
const DEFAULT_TIMEOUT_MS = 20 * SECOND_MS
/** A connection is renewed after this many, as some servers ask for. */
const MESSAGES_PER_CONNECTION = 100

/** The e-mail channel. Throws TypeError when the address or the sender is not usable. */
export function createSmtpNotifier(options: SmtpOptions): Notifier {
  const transport = createTransport(transportOptions(options))
  const domain = domainOf(options.from)
  return {
    channel: 'email',
    id: 'smtp',
    /** Cancellation is heeded before the message is handed over: a message under way is waited for. */
    async send(message, signal) {
      signal?.throwIfAborted()
      const to = recipientOf(message, options.operators)
      if (to === null) {
        const code = NOTIFICATION_REASONS.channelNotConfigured
        return { kind: 'refused', code, isAddressGone: false }
      }
      const messageId = `<${message.notificationId}@${domain}>`
      try {
        const info = await mail(transport, options.from, to, message, messageId)
        return {
          kind: 'sent',
          providerRef: queueIdOf(info.response) ?? messageId,
          isDelivered: false,
        }
      } catch (error) {
        return outcomeOfError(error)
      }
    },
    async [Symbol.asyncDispose]() {
      transport.close()
    },
  }
}

function transportOptions({ url, connections, timeoutMs = DEFAULT_TIMEOUT_MS }: SmtpOptions) {
  const address = new URL(url)
  const { protocol, hostname } = address
  if ((protocol !== 'smtp:' && protocol !== 'smtps:') || hostname === '') {
    throw new TypeError('the SMTP address must be smtp://host or smtps://host')
  }
  const isSecure = protocol === 'smtps:'
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
  const isOption = (name: string) => address.searchParams.get(name) === 'true'
  const ignoreTLS = isOption('ignoreTLS')
  const user = decodeURIComponent(address.username)
  const pass = decodeURIComponent(address.password)
  return {
    host: hostname.replaceAll(/[[\]]/g, ''),
    port: address.port === '' ? (isSecure ? 465 : 587) : Number(address.port),
    secure: isSecure,
    ignoreTLS,
    requireTLS: isOption('requireTLS') || (!isLocal && !isSecure && !ignoreTLS),
    ...(user === '' ? {} : { auth: { user, pass } }),
    // A test server's certificate is its own; a real one's must be good.
    tls: { rejectUnauthorized: !isLocal },
    pool: true as const,
    maxConnections: connections ?? DEFAULT_CONNECTIONS,
    maxMessages: MESSAGES_PER_CONNECTION,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

function domainOf(from: string): string {
  const domain = /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1]
  if (domain === undefined) throw new TypeError('the sender must be an e-mail address')
  return domain
}

type Recipient = string | { readonly name: string; readonly address: string }

function recipientOf({ address }: OutgoingMessage, operators: string | null): Recipient | null {
  if (address.kind === 'fixed') return operators
  if (address.kind !== 'email') throw new TypeError(`e-mail cannot reach ${address.kind}`)
  const { name, email } = address
  return name === null ? email : { name, address: email }
}

function mail(
  transport: Transporter,
  from: string,
  to: Recipient,
  message: OutgoingMessage,
  messageId: string,
): Promise<SentMessageInfo> {
  return transport.sendMail({
    from,
    to: [to],
    messageId,
    subject: message.subject,
    text: message.text,
    html: message.html,
    headers: {
      // RFC 3834: no vacation notice answers it.
      'Auto-Submitted': 'auto-generated',
      'Content-Language': message.locale,
      'X-Notification-Id': message.notificationId,
    },
  })
}

/** `250 2.0.0 Ok: queued as 4F3A21` names the message at the server. */
function queueIdOf(response: unknown): string | null {
  const text = typeof response === 'string' ? response : ''
  return /queued as ([A-Za-z0-9._-]{1,100})/i.exec(text)?.[1] ?? null
}

/** Replies about the mailbox: unknown, moved, not allowed. */
const MAILBOX_GONE = new Set([550, 551, 553])
const SERVICE_CLOSING = 421

/** What nodemailer's error means. Its message may hold the address, so only codes are kept. */
function outcomeOfError(error: unknown): SendOutcome {
  const { code, responseCode, command } = error as {
    readonly code?: unknown
    readonly responseCode?: unknown
    readonly command?: unknown
  }
  const reply = typeof responseCode === 'number' ? responseCode : null
  const name = typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : 'SMTP_FAILED'
  const isAboutMessage = (code === 'EENVELOPE' && command === 'RCPT TO') || code === 'EMESSAGE'
  const retry = (isChannelDown: boolean): SendOutcome => ({
    kind: 'retry',
    code: reply === null ? name : `SMTP_${reply}`,
    retryAfterMs: null,
    isChannelDown,
  })
  // Connection, TLS, sign-in or the sender: no message would go.
  if (!isAboutMessage || reply === null || reply === SERVICE_CLOSING) return retry(true)
  if (reply < 500) return retry(false)
  const isAddressGone = command === 'RCPT TO' && MAILBOX_GONE.has(reply)
  return { kind: 'refused', code: `SMTP_${reply}`, isAddressGone }
}
