/** Slack, webhook, web push and Twilio, each against a server of its protocol on loopback. */
import { createHmac, createVerify, createPublicKey, createECDH, randomBytes } from 'node:crypto'

import { describe, expect, test } from 'vitest'
import webpush from 'web-push'

import { createSlackNotifier } from '../../adapters/notify/slack.ts'
import { createTwilioNotifier } from '../../adapters/notify/twilio.ts'
import { createWebPushNotifier } from '../../adapters/notify/web-push.ts'
import { createWebhookNotifier } from '../../adapters/notify/webhook.ts'
import type { Notifier, NotifierAddress } from '../../domain/ports/notifier.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { decryptPush } from '../support/push-receiver.ts'
import { startRecorder, type Recorder, type Recorded } from '../support/http-recorder.ts'
import {
  describeNotifier,
  messageTo,
  type NotifierRig,
  type ServerMood,
} from './notifier-conformance.ts'

const TIMEOUT_MS = 400

type Answers = Partial<
  Record<
    ServerMood,
    { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
  >
>

/** A channel before a recorder that answers by its mood. */
async function rigOf(
  answers: Answers,
  build: (url: string) => { notifier: Notifier; address: NotifierAddress },
  idOf: (recorded: Recorded) => string,
): Promise<NotifierRig> {
  const recorder: Recorder = await startRecorder()
  const { notifier, address } = build(recorder.url)
  let isTaking = false
  return {
    notifier,
    address,
    mood(mood) {
      isTaking = mood === 'accepts'
      recorder.answer(mood === 'silent' ? 'hang' : (answers[mood] ?? { status: 500 }))
    },
    received: () => (isTaking ? recorder.requests.map(idOf) : []),
    receivedText: () => recorder.requests.map(({ text }) => text).join('\n'),
    async [Symbol.asyncDispose]() {
      await notifier[Symbol.asyncDispose]()
      await recorder[Symbol.asyncDispose]()
    },
  }
}

describe('Slack', () => {
  const build = (url: string) => ({
    notifier: createSlackNotifier({
      url: `${url}/services/T0/B0/s3cretpath`,
      timeoutMs: TIMEOUT_MS,
    }),
    address: { kind: 'fixed' } as const,
  })
  const answers: Answers = {
    accepts: { status: 200, body: 'ok' },
    'refuses-message': { status: 400, body: 'invalid_payload' },
    'refuses-address': { status: 404, body: 'no_service' },
    busy: { status: 500, body: 'rollup_error' },
    away: { status: 429, headers: { 'retry-after': '30' } },
  }
  const rig = () => rigOf(answers, build, ({ headers }) => headers['idempotency-key'] ?? '')

  describeNotifier(rig, {
    moods: ['accepts', 'refuses-message', 'refuses-address', 'busy', 'away', 'silent'],
    isDelivered: true,
    isOneProvider: true,
    secrets: ['s3cretpath'],
  })

  test('is asked to wait as long as it says', async () => {
    await using one = await rig()
    await one.mood('away')
    expect(await one.notifier.send(messageTo(one.address))).toMatchObject({ retryAfterMs: 30_000 })
  })

  test('marks of its own in a text are text', async () => {
    await using one = await rig()
    await one.mood('accepts')
    await one.notifier.send(messageTo(one.address, { subject: '<!channel> & more' }))
    expect(JSON.parse(one.receivedText())).toMatchObject({
      text: expect.stringContaining('&lt;!channel&gt; &amp; more') as unknown,
    })
  })
})

describe('the webhook', () => {
  const secret = `whsec_${Buffer.from('a key of 24 bytes, more.').toString('base64')}`
  const OLDER = `whsec_${Buffer.from('an older key of 24 bytes').toString('base64')}`
  const build = (url: string) => ({
    notifier: createWebhookNotifier({
      url: `${url}/hook?token=s3cret`,
      secrets: () => [secret, OLDER],
      wallClock: createSystemClock(),
      timeoutMs: TIMEOUT_MS,
    }),
    address: { kind: 'fixed' } as const,
  })
  const answers: Answers = {
    accepts: { status: 204 },
    'refuses-message': { status: 422 },
    'refuses-address': { status: 410 },
    busy: { status: 500 },
    away: { status: 503 },
    credentials: { status: 401 },
  }
  const rig = () => rigOf(answers, build, ({ headers }) => headers['webhook-id'] ?? '')

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
    isDelivered: true,
    isOneProvider: true,
    secrets: ['s3cret', secret],
  })

  test('is signed as the specification has it, over id, time and the very bytes', async () => {
    await using recorder = await startRecorder()
    const { notifier, address } = build(recorder.url)
    await using _closed = notifier
    recorder.answer({ status: 200 })
    await notifier.send(messageTo(address))
    const [request] = recorder.requests
    if (request === undefined) throw new Error('nothing came')
    const { headers, text } = request
    const timestamp = Number(headers['webhook-timestamp'])
    expect(Math.abs(Date.now() / 1_000 - timestamp)).toBeLessThan(60)
    const signed = `${headers['webhook-id']}.${timestamp}.${text}`
    // By each key of the ring, so that a receiver goes over to a new one in its own time.
    const signatures = ['a key of 24 bytes, more.', 'an older key of 24 bytes'].map((key) => {
      const hmac = createHmac('sha256', Buffer.from(key)).update(signed)
      return `v1,${hmac.digest('base64')}`
    })
    expect(headers['webhook-signature']).toBe(signatures.join(' '))
    expect(JSON.parse(text)).toMatchObject({ type: 'payout-paid', data: { policyNumber: 'P-1' } })
  })

  test('is not led elsewhere: a redirect is a refusal', async () => {
    await using recorder = await startRecorder()
    const { notifier, address } = build(recorder.url)
    await using _closed = notifier
    recorder.answer({ status: 302, headers: { location: `${recorder.url}/elsewhere` } })
    expect(await notifier.send(messageTo(address))).toMatchObject({ kind: 'refused' })
    expect(recorder.requests).toHaveLength(1)
  })
})

describe('web push', () => {
  const ours = webpush.generateVAPIDKeys()
  const browser = createECDH('prime256v1')
  browser.generateKeys()
  const auth = randomBytes(16)
  const subscriptionAt = (url: string): NotifierAddress => ({
    kind: 'push',
    endpoint: `${url}/push/s3cretendpoint`,
    p256dh: browser.getPublicKey().toString('base64url'),
    auth: auth.toString('base64url'),
  })
  const build = (url: string) => ({
    notifier: createWebPushNotifier({
      ...ours,
      subject: 'mailto:ops@insurer.example',
      timeoutMs: TIMEOUT_MS,
    }),
    address: subscriptionAt(url),
  })
  const answers: Answers = {
    accepts: { status: 201 },
    'refuses-message': { status: 413 },
    'refuses-address': { status: 410 },
    busy: { status: 500 },
    away: { status: 503 },
  }
  const rig = () => rigOf(answers, build, ({ headers }) => headers['topic'] ?? '')

  describeNotifier(rig, {
    moods: ['accepts', 'refuses-message', 'refuses-address', 'busy', 'away', 'silent'],
    isDelivered: false,
    // Every browser has its own push service.
    isOneProvider: false,
    secrets: ['s3cretendpoint', ours.privateKey],
  })

  test('only the browser can read it, and it says which message it is', async () => {
    await using recorder = await startRecorder()
    const { notifier, address } = build(recorder.url)
    await using _closed = notifier
    recorder.answer({ status: 201 })
    const message = messageTo(address)
    await notifier.send(message)
    const [request] = recorder.requests
    if (request === undefined) throw new Error('nothing came')
    expect(request.headers).toMatchObject({
      'content-encoding': 'aes128gcm',
      ttl: '86400',
      topic: message.notificationId.replaceAll('-', ''),
    })
    expect(request.text).not.toContain('paid')
    expect(JSON.parse(decryptPush(request.body, browser, auth))).toEqual({
      id: message.notificationId,
      title: message.subject,
      body: message.short,
      lang: 'en',
      data: message.data,
    })
    expect(() => decryptPush(request.body, browser, randomBytes(16))).toThrow()
  })

  test('the push service can check who sends (RFC 8292)', async () => {
    await using recorder = await startRecorder()
    const { notifier, address } = build(recorder.url)
    await using _closed = notifier
    recorder.answer({ status: 201 })
    await notifier.send(messageTo(address))
    const { authorization = '' } = recorder.requests[0]?.headers ?? {}
    const [, token = '', key = ''] = /^vapid t=([^,]+), k=(.+)$/.exec(authorization) ?? []
    expect(key).toBe(ours.publicKey)
    const [header = '', claims = '', signature = ''] = token.split('.')
    const point = Buffer.from(key, 'base64url')
    const publicKey = createPublicKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'P-256',
        x: point.subarray(1, 33).toString('base64url'),
        y: point.subarray(33).toString('base64url'),
      },
    })
    const verify = createVerify('sha256').update(`${header}.${claims}`)
    const isGood = verify.verify(
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    expect(isGood).toBe(true)
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      aud: recorder.url,
      sub: 'mailto:ops@insurer.example',
    })
  })

  test('keys that nothing can be encrypted for are a subscription that is gone', async () => {
    await using one = await rig()
    await one.mood('accepts')
    const broken = { ...one.address, p256dh: 'A'.repeat(87) } as NotifierAddress
    expect(await one.notifier.send(messageTo(broken))).toMatchObject({
      kind: 'refused',
      isAddressGone: true,
    })
  })
})

describe('Twilio', () => {
  const accountSid = `AC${'0'.repeat(32)}`
  const authToken = 's3cret-token-of-ours-32-characters'
  const build = (url: string) => ({
    notifier: createTwilioNotifier({
      accountSid,
      authToken,
      from: '+12025550100',
      baseUrl: url,
      timeoutMs: TIMEOUT_MS,
    }),
    address: { kind: 'sms', phone: '+493012345678' } as const,
  })
  const refusal = (status: number, code: number) => ({
    status,
    body: JSON.stringify({ code, message: `no: +493012345678`, more_info: '', status }),
  })
  const answers: Answers = {
    accepts: {
      status: 201,
      body: JSON.stringify({ sid: `SM${'1'.repeat(32)}`, status: 'queued' }),
    },
    'refuses-message': refusal(400, 21_617),
    'refuses-address': refusal(400, 21_211),
    away: refusal(429, 20_429),
    credentials: refusal(401, 20_003),
  }
  const rig = () =>
    rigOf(answers, build, ({ headers }) => headers['i-twilio-idempotency-token'] ?? '')

  describeNotifier(rig, {
    moods: ['accepts', 'refuses-message', 'refuses-address', 'away', 'silent', 'credentials'],
    isDelivered: false,
    isOneProvider: true,
    secrets: ['493012345678', authToken],
  })

  test('is asked in its dialect, and its id of the message is kept', async () => {
    await using recorder = await startRecorder()
    const { notifier, address } = build(recorder.url)
    await using _closed = notifier
    recorder.answer(answers.accepts ?? { status: 500 })
    expect(await notifier.send(messageTo(address))).toEqual({
      kind: 'sent',
      providerRef: `SM${'1'.repeat(32)}`,
      isDelivered: false,
    })
    const [request] = recorder.requests
    expect(request?.path).toBe(`/2010-04-01/Accounts/${accountSid}/Messages.json`)
    expect(request?.headers['authorization']).toBe(
      `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`,
    )
    expect(Object.fromEntries(new URLSearchParams(request?.text))).toEqual({
      To: '+493012345678',
      From: '+12025550100',
      Body: 'You have been paid USD 120.00.',
    })
  })

  test.each([
    ['delivered', null, { kind: 'delivered' }],
    ['undelivered', 30_005, { kind: 'bounced', code: 'TWILIO_30005' }],
    ['failed', 30_008, { kind: 'bounced', code: 'TWILIO_30008' }],
    ['sent', null, { kind: 'pending' }],
  ])('says later that a message is %s', async (status, errorCode, report) => {
    await using recorder = await startRecorder()
    const { notifier } = build(recorder.url)
    await using _closed = notifier
    const body = JSON.stringify({ sid: 'SM1', status, error_code: errorCode })
    recorder.answer({ status: 200, body })
    expect(await notifier.delivery?.('SM1')).toEqual(report)
  })

  test('a delivery that cannot be asked for is asked for again', async () => {
    await using recorder = await startRecorder()
    const { notifier } = build(recorder.url)
    await using _closed = notifier
    recorder.answer({ status: 503 })
    expect(await notifier.delivery?.('SM1')).toEqual({ kind: 'pending' })
  })
})
