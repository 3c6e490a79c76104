/** E-mail against real SMTP servers: sign-in, TLS asked for and refused, replies, silence, mail as read. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, describe, expect, test } from 'vitest'

import { createSmtpNotifier, type SmtpOptions } from '../../adapters/notify/smtp.ts'
import type { NotifierAddress } from '../../domain/ports/notifier.ts'
import {
  describeNotifier,
  messageTo,
  type NotifierRig,
  type ServerMood,
} from './notifier-conformance.ts'

const FROM = 'Groundstop <notices@insurer.example>'
const HOLDER: NotifierAddress = { kind: 'email', email: 'zoe@example.com', name: 'Zoë Müller' }
const OPERATORS = 'ops@insurer.example'

type Mail = Email & { readonly raw: string; readonly recipients: readonly string[] }

type Smtp = AsyncDisposable & { readonly port: number; readonly mails: Mail[] }

/** A reply with a code, as smtp-server sends it. */
function reply(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode })
}

async function startSmtp(options: SMTPServerOptions = {}): Promise<Smtp> {
  const mails: Mail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    async onData(stream, session, done) {
      const raw = await text(stream)
      const recipients = session.envelope.rcptTo.map(({ address }) => address)
      mails.push({ ...(await PostalMime.parse(raw)), raw, recipients })
      done(null, 'OK: queued as 4F3A21')
    },
    ...options,
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    port,
    mails,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

function notifierOf(port: number, change: Partial<SmtpOptions> = {}) {
  return createSmtpNotifier({
    url: `smtp://127.0.0.1:${port}`,
    from: FROM,
    operators: OPERATORS,
    timeoutMs: 500,
    ...change,
  })
}

/** Options that make a server answer in a mood. */
const MOODS: Partial<Record<ServerMood, SMTPServerOptions>> = {
  accepts: {},
  'refuses-message': {
    onData: (stream, _session, done) => {
      stream.resume().once('end', () => done(reply(554, '5.6.0 not this message')))
    },
  },
  'refuses-address': {
    onRcptTo: ({ address }, _session, done) => done(reply(550, `5.1.1 no mailbox ${address}`)),
  },
  busy: {
    onRcptTo: ({ address }, _session, done) => done(reply(450, `4.2.1 ${address} is busy`)),
  },
  away: { onConnect: (_session, done) => done(reply(421, '4.3.2 closing')) },
  credentials: {
    authOptional: false,
    onAuth: (_auth, _session, done) => done(reply(535, '5.7.8 not you')),
  },
}

async function rig(): Promise<NotifierRig> {
  let smtp: Smtp | null = null
  const stack = new AsyncDisposableStack()
  const silent: Server = createServer(() => undefined)
  const sockets = new Set<Socket>()
  silent.on('connection', (socket) => sockets.add(socket))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  stack.defer(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  let port = (silent.address() as AddressInfo).port
  const mails = (): readonly Mail[] => smtp?.mails ?? []
  // Built when the mood, and with it the port, is known.
  const notifier = () => notifierOf(port, { url: `smtp://user:pa55word-of-ours@127.0.0.1:${port}` })
  return {
    address: HOLDER,
    notifier: {
      channel: 'email',
      id: 'smtp',
      send: async (message, signal) => {
        await using one = notifier()
        return await one.send(message, signal)
      },
      [Symbol.asyncDispose]: async () => undefined,
    },
    async mood(mood) {
      if (mood === 'silent') return
      smtp = stack.use(
        await startSmtp({ onAuth: (_auth, _s, done) => done(null, { user: 'u' }), ...MOODS[mood] }),
      )
      port = smtp.port
    },
    received: () => mails().map(({ messageId }) => messageId ?? ''),
    receivedText: () =>
      mails()
        .map(({ raw }) => raw)
        .join('\n'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

describe('the port', () => {
  describeNotifier(rig, {
    moods: [
      'accepts',
      'refuses-message',
      'refuses-address',
      'busy',
      'away',
      'silent',
      'credentials',
    ],
    isDelivered: false,
    isOneProvider: true,
    secrets: ['zoe@example.com', 'pa55word'],
  })
})

describe('a message', () => {
  let smtp: Smtp | null = null
  afterAll(() => smtp?.[Symbol.asyncDispose]())

  test('arrives as it was written, with an id of its own, and asks for no answer', async () => {
    smtp = await startSmtp()
    await using notifier = notifierOf(smtp.port)
    const message = messageTo(HOLDER)
    expect(await notifier.send(message)).toEqual({
      kind: 'sent',
      providerRef: '4F3A21',
      isDelivered: false,
    })
    const [mail] = smtp.mails
    expect(mail).toMatchObject({
      subject: message.subject,
      messageId: `<${message.notificationId}@insurer.example>`,
      from: { name: 'Groundstop', address: 'notices@insurer.example' },
      to: [{ name: 'Zoë Müller', address: 'zoe@example.com' }],
      recipients: ['zoe@example.com'],
    })
    expect(mail?.text?.trim()).toBe(message.text.trim())
    expect(mail?.html).toContain('<p>You have been paid.</p>')
    expect(mail?.headers).toContainEqual(
      expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }),
    )
  })

  test('to operators goes to their address, or is refused when there is none', async () => {
    await using server = await startSmtp()
    await using notifier = notifierOf(server.port)
    await notifier.send(messageTo({ kind: 'fixed' }))
    expect(server.mails[0]?.recipients).toEqual([OPERATORS])
    await using without = notifierOf(server.port, { operators: null })
    expect(await without.send(messageTo({ kind: 'fixed' }))).toMatchObject({
      kind: 'refused',
      code: 'CHANNEL_NOT_CONFIGURED',
    })
    expect(server.mails).toHaveLength(1)
  })

  test('cannot add recipients or headers by what is in a name', async () => {
    await using server = await startSmtp()
    await using notifier = notifierOf(server.port)
    const name = 'Zoë" <x@evil.example>, "\r\nBcc: y@evil.example'
    await notifier.send(messageTo({ ...HOLDER, name }))
    expect(server.mails[0]?.recipients).toEqual(['zoe@example.com'])
    expect(server.mails[0]?.bcc).toBeUndefined()
  })

  test('many go over few connections', async () => {
    let connections = 0
    await using server = await startSmtp({
      onConnect: (_session, done) => {
        connections += 1
        done()
      },
    })
    await using notifier = notifierOf(server.port, { connections: 2 })
    const sent = Array.from({ length: 12 }, () => notifier.send(messageTo(HOLDER)))
    expect((await Promise.all(sent)).map(({ kind }) => kind)).toEqual(Array(12).fill('sent'))
    expect(server.mails).toHaveLength(12)
    expect(connections).toBeLessThanOrEqual(2)
  })
})

describe('sign-in', () => {
  test('gives name and password as the address has them', async () => {
    let given: unknown
    await using server = await startSmtp({
      authOptional: false,
      onAuth: ({ username, password }, _session, done) => {
        given = { username, password }
        done(null, { user: username })
      },
    })
    const url = `smtp://us%40er:p%2Fss@127.0.0.1:${server.port}`
    await using notifier = notifierOf(server.port, { url })
    expect(await notifier.send(messageTo(HOLDER))).toMatchObject({ kind: 'sent' })
    expect(given).toEqual({ username: 'us@er', password: 'p/ss' })
  })
})

describe('TLS', () => {
  test('is used when the server offers it', async () => {
    let isSecure: boolean | null = null
    await using server = await startSmtp({
      disabledCommands: [],
      onMailFrom: (_address, session, done) => {
        isSecure = session.secure
        done()
      },
    })
    await using notifier = notifierOf(server.port)
    expect(await notifier.send(messageTo(HOLDER))).toMatchObject({ kind: 'sent' })
    expect(isSecure).toBe(true)
  })

  test('that is demanded and not offered sends nothing', async () => {
    await using server = await startSmtp()
    const url = `smtp://127.0.0.1:${server.port}?requireTLS=true`
    await using notifier = notifierOf(server.port, { url })
    expect(await notifier.send(messageTo(HOLDER))).toMatchObject({
      kind: 'retry',
      isChannelDown: true,
    })
    expect(server.mails).toEqual([])
  })

  test('that the server demands and we may not use sends nothing', async () => {
    await using server = await startSmtp({
      disabledCommands: [],
      onMailFrom: (_address, session, done) =>
        session.secure ? done() : done(reply(530, '5.7.0 must issue a STARTTLS command first')),
    })
    const url = `smtp://127.0.0.1:${server.port}?ignoreTLS=true`
    await using notifier = notifierOf(server.port, { url })
    expect(await notifier.send(messageTo(HOLDER))).toMatchObject({
      kind: 'retry',
      code: 'SMTP_530',
      isChannelDown: true,
    })
    expect(server.mails).toEqual([])
  })

  test('from the first byte is spoken with smtps', async () => {
    await using server = await startSmtp({ secure: true })
    const url = `smtps://127.0.0.1:${server.port}`
    await using notifier = notifierOf(server.port, { url })
    expect(await notifier.send(messageTo(HOLDER))).toMatchObject({ kind: 'sent' })
  })
})

describe('settings', () => {
  test.each(['http://127.0.0.1', 'smtp:'])('an address that is none is refused: %s', (url) => {
    expect(() => createSmtpNotifier({ url, from: FROM, operators: null })).toThrow(TypeError)
  })

  test('a sender without an address is refused', () => {
    const options = { url: 'smtp://127.0.0.1', from: 'Groundstop', operators: null }
    expect(() => createSmtpNotifier(options)).toThrow('the sender must be an e-mail address')
  })
})
