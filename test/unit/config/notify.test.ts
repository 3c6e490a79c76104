import { describe, expect, test } from 'vitest'

import { ConfigError, loadConfig } from '../../../config/config.ts'

const SID = `AC${'0'.repeat(32)}`

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ variable }) => variable)
  }
}

describe('a channel', () => {
  test.each([
    [{ SMTP_URL: 'smtp://mail.example.com' }, ['NOTIFY_FROM']],
    [{ NOTIFY_FROM: 'a@b.example' }, ['SMTP_URL']],
    [{ TWILIO_ACCOUNT_SID: SID }, ['TWILIO_AUTH_TOKEN', 'TWILIO_FROM']],
    [{ VAPID_PUBLIC_KEY: 'A'.repeat(87) }, ['VAPID_PRIVATE_KEY']],
    [{ NOTIFY_WEBHOOK_URL: 'https://a.example/x' }, ['NOTIFY_WEBHOOK_SECRET']],
    [{ NOTIFY_WEBHOOK_URL: 'https://a.example/x', NOTIFY_WEBHOOK_KEYS_FILE: 'keys.json' }, []],
    [{ SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/a/b/c' }, []],
    [{ SMTP_URL: 'smtp://mail.example.com', NOTIFY_FROM: 'G <a@b.example>' }, []],
  ])('is whole or not there: %o lacks %j', (env, lacking) => {
    expect(problemsOf(env)).toEqual(lacking)
  })

  test.each([
    { SMTP_URL: 'http://mail.example.com' },
    { NOTIFY_FROM: 'a@b.example\nBcc: c@d.example', SMTP_URL: 'smtp://x' },
    { TWILIO_FROM: '2025550100', TWILIO_ACCOUNT_SID: SID, TWILIO_AUTH_TOKEN: 'x'.repeat(32) },
    { NOTIFY_OPERATORS_EMAIL: 'a@b.example,c@d.example' },
  ])('is refused when it cannot work: %o', (env) => {
    expect(problemsOf(env)).toHaveLength(1)
  })
})

test('secrets of channels are not shown when they are refused, and are in no configuration', () => {
  const bad = { SMTP_URL: 'http://user:pa55word@mail.example.com' }
  expect(() => loadConfig(bad)).toThrow(/SMTP_URL is \(not shown\)/)
  const { config } = loadConfig({
    SMTP_URL: 'smtp://user:pa55word@mail.example.com',
    NOTIFY_FROM: 'G <a@b.example>',
    NOTIFY_WEBHOOK_URL: 'https://a.example/?token=t0ken',
    NOTIFY_WEBHOOK_SECRET: 's3cret-of-16-chars',
  })
  expect(JSON.stringify(config)).not.toMatch(/pa55word|t0ken|s3cret/)
  expect(config.notify).toMatchObject({
    from: 'G <a@b.example>',
    vapid: { subject: 'mailto:a@b.example' },
  })
})
