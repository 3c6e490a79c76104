/** The local mail server with its window: SMTP in, a page and JSON out. */
import { startHttpServer, type Handler, type RunningServer } from '../http-server.ts'
import { createMailbox, type KeptMail, type Mailbox } from './mailbox.ts'
import { startSmtpSink } from './smtp-sink.ts'

/** Where it listens and how much it keeps. */
export type MailServerOptions = {
  readonly host: string
  /** The page's port; 0 takes any free one. */
  readonly port: number
  readonly smtpPort: number
  /** Messages kept. */
  readonly keep: number
}

/** `url` is the page's; mail goes to `smtpUrl`. */
export type RunningMailServer = RunningServer & { readonly smtpUrl: string }

/** Serves mail, `GET /`, `GET /messages`, `GET /messages/:n` and its `/html`. */
export async function startMailServer(options: MailServerOptions): Promise<RunningMailServer> {
  const { host, port, smtpPort, keep } = options
  const mailbox = createMailbox(keep)
  const now = (): string => new Date().toISOString()
  await using stack = new AsyncDisposableStack()
  const sink = stack.use(await startSmtpSink(mailbox, { host, port: smtpPort }, now))
  const http = stack.use(await startHttpServer(createMailHandler(mailbox), { host, port }))
  const owned = stack.move()
  return {
    url: http.url,
    port: http.port,
    smtpUrl: `smtp://${host.includes(':') ? `[${host}]` : host}:${sink.port}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const HTML = 'text/html; charset=UTF-8'
/** Mail is shown, never run. */
const SAFE = { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" }

function createMailHandler(mailbox: Mailbox): Handler {
  return ({ method, path }) => {
    if (method !== 'GET') return { status: 405, body: '{"error":"only GET"}' }
    if (path === '/') {
      return { status: 200, contentType: HTML, headers: SAFE, body: listPage(mailbox) }
    }
    if (path === '/messages') {
      const messages = mailbox.list()
      return { status: 200, body: JSON.stringify({ received: mailbox.received, messages }) }
    }
    const match = /^\/messages\/(\d{1,9})(\/html)?$/.exec(path)
    const mail = match === null ? null : mailbox.find(Number(match[1]))
    if (mail === null) return { status: 404, body: '{"error":"no such message"}' }
    if (match?.[2] === undefined) return { status: 200, body: JSON.stringify(mail) }
    return { status: 200, contentType: HTML, headers: SAFE, body: mail.html ?? escape(mail.text) }
  }
}

function listPage(mailbox: Mailbox): string {
  const rows = mailbox.list().map(row).join('')
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Local mail</title><style>' +
    'body{font-family:sans-serif;margin:1em auto;max-width:60em}td{padding:.3em 1em .3em 0}' +
    '</style></head><body><h1>Local mail</h1>' +
    `<p>${mailbox.received} messages came in, none left this machine.</p>` +
    `<table><tr><th>received</th><th>to</th><th>subject</th></tr>${rows}</table></body></html>`
  )
}

function row({ n, receivedAt, to, subject }: KeptMail): string {
  const link = `<a href="/messages/${n}/html">${escape(subject)}</a>`
  return `<tr><td>${receivedAt.slice(11, 19)}</td><td>${escape(to.join(', '))}</td><td>${link}</td></tr>`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
