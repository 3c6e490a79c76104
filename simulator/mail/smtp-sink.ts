/** A mail server that takes everything and sends nothing on. For this machine only. */
import type { AddressInfo } from 'node:net'

import PostalMime from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'

import type { Mailbox } from './mailbox.ts'

/** Larger mail is not ours. */
const SIZE_LIMIT_BYTES = 1_048_576

/** A listening server. */
export type RunningSink = AsyncDisposable & { readonly port: number }

/** Starts it on `host:port` (0 = any free port). Rejects with the system's error when it cannot. */
export async function startSmtpSink(
  mailbox: Mailbox,
  address: { readonly host: string; readonly port: number },
  now: () => string,
): Promise<RunningSink> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    size: SIZE_LIMIT_BYTES,
    disableReverseLookup: true,
    // Anybody's credentials are good: there is nothing to protect.
    onAuth: (_auth, _session, done) => done(null, { user: 'local' }),
    async onData(stream, session, done) {
      try {
        await keep(mailbox, stream, session, now())
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)))
        return
      }
      done()
    },
  })
  // A client that goes away in the middle is its own business.
  server.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  const { port } = server.server.address() as AddressInfo // a TCP server that listens has one
  return {
    port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

async function keep(
  mailbox: Mailbox,
  stream: SMTPServerDataStream,
  { envelope }: SMTPServerSession,
  receivedAt: string,
): Promise<void> {
  const chunks: Uint8Array[] = []
  // A stream of an SMTP body gives bytes.
  for await (const chunk of stream) chunks.push(chunk as Uint8Array)
  const mail = await PostalMime.parse(Buffer.concat(chunks))
  mailbox.add({
    receivedAt,
    from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
    to: envelope.rcptTo.map(({ address }) => address),
    subject: mail.subject ?? '',
    messageId: mail.messageId ?? null,
    headers: Object.fromEntries(mail.headers.map(({ key, value }) => [key, value])),
    text: mail.text ?? '',
    html: mail.html ?? null,
  })
}
