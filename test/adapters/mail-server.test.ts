/** The local mail server: takes mail, shows it as JSON and as a page, keeps so many and no more. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createSmtpNotifier } from '../../adapters/notify/smtp.ts'
import type { Notifier } from '../../domain/ports/notifier.ts'
import { startMailServer, type RunningMailServer } from '../../simulator/mail/mail-server.ts'
import { messageTo } from './notifier-conformance.ts'

let server: RunningMailServer
let notifier: Notifier

beforeAll(async () => {
  server = await startMailServer({ host: '127.0.0.1', port: 0, smtpPort: 0, keep: 3 })
  const from = 'notices@insurer.example'
  notifier = createSmtpNotifier({ url: server.smtpUrl, from, operators: null })
})
afterAll(async () => {
  await notifier[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.url}${path}`)
  return { status: response.status, text: await response.text() }
}

test('keeps the last messages, the newest first, and tells how many came', async () => {
  for (const n of [1, 2, 3, 4, 5]) {
    const address = { kind: 'email', email: `h${n}@example.com`, name: null } as const
    await notifier.send(messageTo(address, { subject: `Nr. ${n} <ä>` }))
  }
  const { received, messages } = JSON.parse((await get('/messages')).text) as {
    received: number
    messages: { n: number; subject: string; to: string[]; html: string }[]
  }
  expect(received).toBe(5)
  expect(messages.map(({ n, subject, to }) => [n, subject, to])).toEqual([
    [5, 'Nr. 5 <ä>', ['h5@example.com']],
    [4, 'Nr. 4 <ä>', ['h4@example.com']],
    [3, 'Nr. 3 <ä>', ['h3@example.com']],
  ])
  expect(messages[0]?.html).toContain('<p>You have been paid.</p>')
})

test('shows them on a page, as text and as they look', async () => {
  expect((await get('/')).text).toContain('Nr. 5 &lt;ä&gt;')
  expect(JSON.parse((await get('/messages/5')).text)).toMatchObject({ n: 5 })
  const shown = await fetch(`${server.url}/messages/5/html`)
  expect(await shown.text()).toContain('<p>You have been paid.</p>')
  expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'")
})

test('what made room, or never was, is not found', async () => {
  for (const path of ['/messages/1', '/messages/99', '/messages/x', '/other']) {
    expect((await get(path)).status).toBe(404)
  }
  expect((await fetch(server.url, { method: 'POST' })).status).toBe(405)
})
