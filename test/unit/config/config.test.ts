import { describe, expect, test } from 'vitest'

import { ConfigError, isLoopback, loadConfig } from '../../../config/config.ts'

function problemsOf(env: Record<string, string>): Record<string, string> {
  try {
    loadConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return Object.fromEntries(error.problems.map(({ variable, message }) => [variable, message]))
  }
  return {}
}

describe('defaults', () => {
  test('an empty environment is a development instance on loopback', () => {
    const { config, secrets } = loadConfig({})
    expect(config.environment).toBe('development')
    expect(config.homeDir).toBe('.groundstop')
    expect(config.api).toEqual({
      host: '127.0.0.1',
      port: 3000,
      tokensFile: null,
      publicUrl: null,
      trustedProxies: [],
    })
    expect(config.metrics).toEqual({ host: '127.0.0.1', port: 9090 })
    expect(config.clock).toEqual({ start: null, speed: null })
    expect(secrets).toEqual({
      databaseUrl: null,
      aeroapiKey: null,
      aviationstackKey: null,
      stripeApiKey: null,
      stripeWebhookSecrets: null,
      apiToken: null,
      authSecret: null,
      traceHeaders: null,
      payloadKeys: null,
      notify: {
        smtpUrl: null,
        vapidPrivateKey: null,
        twilioAuthToken: null,
        slackWebhookUrl: null,
        webhookUrl: null,
        webhookSecret: null,
      },
    })
  })

  test('an empty variable counts as missing', () => {
    expect(loadConfig({ API_PORT: '', GROUNDSTOP_ENV: '  ' }).config.api.port).toBe(3000)
  })

  test('the official flight-data host is asked 5 times a second', () => {
    expect(loadConfig({}).config.aeroapi.ratePerS).toBe(5)
    const other = { AEROAPI_URL: 'https://aeroapi.flightaware.com/aeroapi' }
    expect(loadConfig(other).config.aeroapi.ratePerS).toBe(5)
  })

  test('any other flight-data host is asked 2,000 times a second', () => {
    expect(loadConfig({ AEROAPI_URL: 'http://127.0.0.1:4010' }).config.aeroapi.ratePerS).toBe(2_000)
  })

  test('the second source is asked twice a second at its official host, else 2,000 times', () => {
    expect(loadConfig({}).config.aviationstack).toEqual({
      url: 'https://api.aviationstack.com/v1',
      ratePerS: 2,
      concurrency: 4,
      dayBudget: null,
      monthBudget: null,
      reservePercent: 10,
    })
    const other = { AVIATIONSTACK_URL: 'http://127.0.0.1:4010/v1' }
    expect(loadConfig(other).config.aviationstack.ratePerS).toBe(2_000)
  })

  test('a rate that is set holds for every host', () => {
    expect(loadConfig({ AEROAPI_RATE_PER_S: '0.5' }).config.aeroapi.ratePerS).toBe(0.5)
  })

  test('configuration and secrets cannot be changed', () => {
    const { config, secrets } = loadConfig({})
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.api)).toBe(true)
    expect(Object.isFrozen(secrets)).toBe(true)
  })
})

describe('values out of range', () => {
  test.each([
    ['API_PORT', '65535', '65536'],
    ['API_PORT', '0', '-1'],
    ['AEROAPI_BUDGET_PER_DAY', '1', '0'],
    ['AEROAPI_BUDGET_PER_MONTH', '1000000000', '1000000001'],
    ['AEROAPI_BUDGET_RESERVE_PERCENT', '100', '101'],
    ['DATABASE_POOL_MAX', '1', '0'],
    ['CLOCK_SPEED', '100000', '100000.1'],
    ['CLOCK_SPEED', '0', '-0.1'],
    ['WORKER_SHUTDOWN_GRACE_MS', '1', '0'],
    ['GROUNDSTOP_ENV', 'staging', 'stage'],
    ['CLOCK_START', '2013-02-08T07:00:00-05:00', '2013-02-08T07:00:00'],
    ['STRIPE_WEBHOOK_SECRET', 'whsec_new, whsec_old', 'whsec_new,whsec_old,whsec_older'],
    ['STRIPE_WEBHOOK_SECRET', 'whsec_new', 'whsec_new,'],
    ['DATABASE_URL', 'postgres://u:p@h/db', 'mysql://u:p@h/db'],
    ['TEMPORAL_ADDRESS', 'temporal.internal:7233', 'temporal.internal'],
  ])('%s takes %s and refuses %s', (variable, good, bad) => {
    expect(problemsOf({ [variable]: good })).toEqual({})
    expect(Object.keys(problemsOf({ [variable]: bad }))).toEqual([variable])
  })

  test('a message names the value and what it may be', () => {
    expect(problemsOf({ API_PORT: '99999' })['API_PORT']).toBe(
      'is "99999": it must be a whole number from 0 to 65535',
    )
  })

  test('all problems are told at once', () => {
    const problems = problemsOf({ API_PORT: 'x', LOG_LEVEL: 'loud', CLOCK_SPEED: 'fast' })
    expect(Object.keys(problems).toSorted()).toEqual(['API_PORT', 'CLOCK_SPEED', 'LOG_LEVEL'])
  })

  test('a secret that is not valid is not shown', () => {
    const message = problemsOf({ DATABASE_URL: 'mysql://root:hunter2@db/x' })['DATABASE_URL'] ?? ''
    expect(message).not.toContain('hunter2')
  })

  test('the error ends a program with code 78', () => {
    expect(() => loadConfig({ API_PORT: 'x' })).toThrow(expect.objectContaining({ exitCode: 78 }))
  })
})

describe('misspelt variables', () => {
  test('a name within two edits of ours is refused and the right one named', () => {
    expect(problemsOf({ AEROAPI_KEYS: 'k' })['AEROAPI_KEYS']).toContain('AEROAPI_KEY ')
    expect(problemsOf({ GROUNDSTOP_HOEM: '/x' })['GROUNDSTOP_HOEM']).toContain('GROUNDSTOP_HOME')
  })

  test('a name three edits away is somebody else’s', () => {
    expect(problemsOf({ STRIPE_WEBHOOK_SECRET: 'x', GROUNDSTOP_HOMEABC: 'x' })).toEqual({})
  })
})

describe('the API beyond loopback', () => {
  test('needs a token', () => {
    expect(problemsOf({ API_HOST: '0.0.0.0' })).toHaveProperty('API_TOKEN')
    expect(problemsOf({ API_HOST: '0.0.0.0', API_TOKEN: 'sixteen-letters!' })).toEqual({})
  })

  test('is also what a proxy hands on to loopback', () => {
    const behind = { API_TRUSTED_PROXIES: 'loopback' }
    expect(problemsOf(behind)).toHaveProperty('API_TOKEN')
    expect(problemsOf({ ...behind, API_TOKEN: 'sixteen-letters!' })).toEqual({})
  })

  test.each(['10.0.0.1', '10.0.0.0/8, fd00::/8', 'loopback,linklocal,uniquelocal'])(
    'takes the proxies %s',
    (API_TRUSTED_PROXIES) =>
      expect(problemsOf({ API_TRUSTED_PROXIES, API_TOKEN: 'sixteen-letters!' })).toEqual({}),
  )

  test.each(['true', '1', '*', '0.0.0.0/0', '10.0.0.0/33', '10.0.0', 'proxy.example', '10.0.0.1,'])(
    'refuses the proxies %s: not everybody is believed, and names are not looked up',
    (API_TRUSTED_PROXIES) =>
      expect(problemsOf({ API_TRUSTED_PROXIES, API_TOKEN: 'sixteen-letters!' })).toHaveProperty(
        'API_TRUSTED_PROXIES',
      ),
  )

  test('goes without one on loopback', () => {
    expect(['127.0.0.1', '127.8.8.8', 'localhost', '::1'].every(isLoopback)).toBe(true)
    expect(['0.0.0.0', '10.0.0.1', '127.0.0.1.example.com', '::'].some(isLoopback)).toBe(false)
  })
})
