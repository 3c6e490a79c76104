import { describe, expect, it } from 'vitest'

import { createLogger, type LogFormat, type LogLevel } from '../../../platform/logger.ts'
import { redact, REDACTED } from '../../../platform/redact.ts'
import { temporalLogger } from '../../../platform/temporal-logger.ts'

function keep(options: { level?: LogLevel; format?: LogFormat } = {}) {
  const lines: string[] = []
  const logger = createLogger({ ...options, destination: { write: (line) => lines.push(line) } })
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { logger, lines, parsed }
}

describe('a line', () => {
  it('has time, level, correlation id, event and data, and nothing else', () => {
    const { logger, parsed } = keep()
    logger.child({ correlationId: 'c-1', data: { queue: 'payouts' } }).info({ n: 1 }, 'batch-done')
    expect(parsed()).toEqual([
      {
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        level: 'info',
        correlationId: 'c-1',
        event: 'batch-done',
        data: { queue: 'payouts', n: 1 },
      },
    ])
  })

  it('is written at its level and not below', () => {
    const { logger, parsed } = keep({ level: 'warn' })
    logger.info({}, 'quiet')
    logger.warn({}, 'loud')
    expect(parsed().map(({ event }) => event)).toEqual(['loud'])
  })

  it('carries an error with its causes', () => {
    const { logger, parsed } = keep()
    logger.error({ error: new Error('outer', { cause: new TypeError('inner') }) }, 'failed')
    expect(parsed()[0]).toMatchObject({
      data: { error: { name: 'Error', message: 'outer', cause: { name: 'TypeError' } } },
    })
  })

  it('reads as text on a terminal', () => {
    const { logger, lines } = keep({ format: 'text' })
    logger.child({ correlationId: 'c-1' }).warn({ legs: 3 }, 'legs-late')
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}legs-late legs=3 \(c-1\)\n$/)
  })
})

describe('redaction', () => {
  it.each([
    'password',
    'apiKey',
    'API_KEY',
    'stripe_api_key',
    'authorization',
    'x-api-token',
    'taskToken',
    'set-cookie',
    'clientSecret',
    'payee_ref',
    'payeeRef',
    'email',
    'DATABASE_URL',
    'passengerName',
    'displayName',
    'smtpUrl',
    'endpoint',
  ])('hides the value of %s at any depth', (name) => {
    expect(redact({ [name]: 'value', a: [{ b: { [name]: 'value' } }] })).toEqual({
      [name]: REDACTED,
      a: [{ b: { [name]: REDACTED } }],
    })
  })

  it.each(['policyNumber', 'legId', 'keys', 'tokens', 'currency', 'addressed'])(
    'shows the value of %s',
    (name) => expect(redact({ [name]: 'value' })).toEqual({ [name]: 'value' }),
  )

  it.each([
    ['failed with key sk_live_0123456789abc', `failed with key ${REDACTED}`],
    ['header Bearer abc.def-123', `header Bearer ${REDACTED}`],
    ['at postgres://user:pass@db:5432/x', `at postgres://${REDACTED}@db:5432/x`],
    ['mail to jane.doe@example.com now', `mail to ${REDACTED} now`],
    ['no answer for +493012345678.', `no answer for ${REDACTED}.`],
    ['https://hooks.slack.com/services/T0/B0/x', `https://hooks.slack.com/services/${REDACTED}`],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig here', `${REDACTED} here`],
  ])('hides the secret in %j', (text, clean) => {
    expect(redact(text)).toBe(clean)
    expect(redact(new Error(text))).toMatchObject({ message: clean })
    expect(JSON.stringify(redact({ error: new Error('x', { cause: new Error(text) }) }))).toContain(
      JSON.stringify(clean).slice(1, -1),
    )
  })

  it('says whether a secret is set', () => {
    expect(redact({ apiKey: null, token: undefined, password: true })).toEqual({
      apiKey: null,
      token: undefined,
      password: true,
    })
  })

  it('survives cycles, depth, length, and what JSON cannot write', () => {
    const loop: Record<string, unknown> = { big: 1n, fn: () => 1, map: new Map([['a', 1]]) }
    loop['self'] = loop
    expect(redact(loop)).toEqual({ big: '1', fn: undefined, map: { a: 1 }, self: '[circular]' })
    const deep = { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } }
    expect(JSON.stringify(redact(deep))).toContain('[object]')
    expect(JSON.stringify(redact('x'.repeat(100_000))).length).toBeLessThan(9_000)
    expect(redact(Array.from({ length: 201 }, () => 0))).toHaveLength(201)
    expect(redact(Array.from({ length: 5_000 }, () => 0))).toHaveLength(201)
  })
})

describe('lines of the Temporal SDK', () => {
  it('of our own workflow code are events with the run as correlation id', () => {
    const { logger, parsed } = keep()
    const sdk = temporalLogger(logger)
    sdk.warn('leg-poll-failed', {
      sdkComponent: 'activity',
      workflowId: 'w-1',
      taskToken: 'x',
      n: 1,
    })
    expect(parsed()).toMatchObject([
      { level: 'warn', correlationId: 'w-1', event: 'leg-poll-failed', data: { n: 1 } },
    ])
    expect(JSON.stringify(parsed())).not.toContain('taskToken')
  })

  it('of the SDK itself keep their message as data', () => {
    const { logger, parsed } = keep({ level: 'trace' })
    const sdk = temporalLogger(logger)
    sdk.log('TRACE', 'Worker state changed', { sdkComponent: 'worker' })
    sdk.error('lost connection')
    expect(parsed()).toMatchObject([
      { level: 'trace', event: 'temporal-sdk', data: { message: 'Worker state changed' } },
      { level: 'error', event: 'temporal-sdk', data: { message: 'lost connection' } },
    ])
  })
})
