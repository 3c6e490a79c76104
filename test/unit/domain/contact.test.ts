import { describe, expect, test } from 'vitest'

import { parseContactRow } from '../../../domain/contact.ts'

const P256DH = `B${'A'.repeat(86)}`
const AUTH = 'A'.repeat(22)

function fieldsOf(row: Record<string, unknown>): string[] {
  const parsed = parseContactRow({ holder_ref: 'acct_1', ...row })
  return parsed.ok ? [] : parsed.problems.map(({ field }) => field)
}

test('a full row is read, phone numbers without their spaces', () => {
  const parsed = parseContactRow({
    holder_ref: ' acct_1 ',
    name: 'Zoë Müller',
    email: 'zoe@example.com',
    phone: '+49 (30) 123-456 78',
    locale: 'DE',
    channels: 'sms|email',
    push_endpoint: 'https://push.example.com/abc',
    push_p256dh: P256DH,
    push_auth: AUTH,
  })
  expect(parsed).toEqual({
    ok: true,
    contact: {
      holderRef: 'acct_1',
      displayName: 'Zoë Müller',
      email: 'zoe@example.com',
      phone: '+493012345678',
      locale: 'de',
      channels: ['email', 'sms'],
      push: { endpoint: 'https://push.example.com/abc', p256dh: P256DH, auth: AUTH },
    },
  })
})

describe('channels', () => {
  const channelsOf = (row: Record<string, unknown>) => {
    const parsed = parseContactRow({ holder_ref: 'a', ...row })
    return parsed.ok ? parsed.contact.channels : null
  }

  test('without a wish are those that have an address', () => {
    expect(channelsOf({ email: 'a@b.example' })).toEqual(['email'])
    expect(channelsOf({ email: 'a@b.example', phone: '+12025550100' })).toEqual(['email', 'sms'])
  })

  test('are what is wished, also without an address', () => {
    expect(channelsOf({ email: 'a@b.example', channels: 'sms' })).toEqual(['sms'])
    expect(channelsOf({ email: 'a@b.example', channels: 'none' })).toEqual([])
  })
})

describe('is refused', () => {
  test.each([
    ['a@b', ['email']],
    ['a@b.example', []],
    ['a b@c.example', ['email']],
    ['a@b.example, c@d.example', ['email']],
    ['a@b.example\nBcc: c@d.example', ['email']],
    ['<a@b.example>', ['email']],
    ['a@-b.example', ['email']],
  ])('e-mail %j: %j', (email, fields) => {
    expect(fieldsOf({ email })).toEqual(fields)
  })

  test.each([
    ['+12025550100', []],
    ['2025550100', ['phone']],
    ['+0123456789', ['phone']],
    ['+123456', ['phone']],
  ])('phone %j: %j', (phone, fields) => {
    expect(fieldsOf({ phone })).toEqual(fields)
  })

  test.each([
    ['https://push.example.com/x', []],
    ['http://127.0.0.1:4000/x', []],
    ['http://push.example.com/x', ['push_endpoint']],
    ['file:///etc/passwd', ['push_endpoint']],
  ])('push address %j: %j', (endpoint, fields) => {
    const keys = { push_p256dh: P256DH, push_auth: AUTH }
    expect(fieldsOf({ push_endpoint: endpoint, ...keys })).toEqual(fields)
  })

  test('a push address without its keys', () => {
    expect(fieldsOf({ push_endpoint: 'https://push.example.com/x' })).toEqual(['push_endpoint'])
  })

  test('a name that could open another header or tag', () => {
    expect(fieldsOf({ name: 'Zoë\r\nBcc: x' })).toEqual(['name'])
    expect(fieldsOf({ name: '<b>Zoë' })).toEqual(['name'])
  })

  test('an unknown language, an unknown channel, numbers, and a row of nobody', () => {
    expect(fieldsOf({ locale: 'fr', channels: 'fax', email: 5 })).toEqual([
      'email',
      'locale',
      'channels',
    ])
    expect(fieldsOf({ holder_ref: '' })).toEqual(['holder_ref'])
  })

  test('without repeating what was given: it may be an address', () => {
    const parsed = parseContactRow({ holder_ref: 'a', email: 'zoe@@example.com' })
    expect(JSON.stringify(parsed)).not.toContain('zoe')
  })
})
