import { describe, expect, test } from 'vitest'

import { CliError } from '../../../cli/cli-error.ts'
import type { StartOptions, StartPlan } from '../../../cli/start/plan.ts'
import { planStart } from '../../../cli/start/plan.ts'
import { loadConfig } from '../../../config/config.ts'
import { parseInstant } from '../../../domain/time.ts'

const NO_OPTIONS: StartOptions = {
  speed: null,
  clockStart: null,
  flights: [],
  policies: [],
  fresh: false,
}

function plan(env: Record<string, string> = {}, options: Partial<StartOptions> = {}): StartPlan {
  const { config, secrets } = loadConfig(env)
  return planStart({ ...NO_OPTIONS, ...options }, env, config, secrets)
}

describe('with nothing set', () => {
  test('everything runs here and the demo book is bound', () => {
    expect(plan()).toMatchObject({
      runsPostgres: true,
      runsTemporal: true,
      runsFlights: true,
      runsPayments: true,
      runsMail: true,
      bindsDemoBook: true,
    })
  })

  test('virtual time begins on the morning of the blizzard, 120 times as fast', () => {
    expect(plan().clock).toEqual({
      start: '2013-02-08T14:00:00.000Z',
      speed: 120,
      isStartExplicit: false,
      isSpeedExplicit: false,
    })
  })
})

describe('an address that is set replaces the part', () => {
  test.each([
    ['DATABASE_URL', 'postgres://db/x', 'runsPostgres'],
    ['TEMPORAL_ADDRESS', 'temporal:7233', 'runsTemporal'],
    ['AEROAPI_URL', 'http://127.0.0.1:4010', 'runsFlights'],
    ['AEROAPI_KEY', 'key', 'runsFlights'],
    ['STRIPE_API_URL', 'http://127.0.0.1:4020', 'runsPayments'],
    ['STRIPE_API_KEY', 'sk_test_1', 'runsPayments'],
    // Mail about flights that are not ours goes where it is told to, or nowhere.
    ['AEROAPI_KEY', 'key', 'runsMail'],
  ] as const)('%s', (variable, value, part) => {
    expect(plan({ [variable]: value })[part]).toBe(false)
  })

  test('SMTP_URL', () => {
    const env = { SMTP_URL: 'smtp://mail.example.com', NOTIFY_FROM: 'a@b.example' }
    expect(plan(env).runsMail).toBe(false)
  })
})

describe('a second source', () => {
  test('is the local provider when it has a key and no address', () => {
    expect(plan({ AVIATIONSTACK_KEY: 'any' }).hasLocalSecondSource).toBe(true)
  })

  test.each([
    ['without a key', {}],
    ['with an address', { AVIATIONSTACK_KEY: 'any', AVIATIONSTACK_URL: 'http://127.0.0.1:1/v1' }],
    ['beside real flights', { AVIATIONSTACK_KEY: 'any', AEROAPI_KEY: 'key' }],
  ])('is not, %s', (_, env) => {
    expect(plan(env).hasLocalSecondSource).toBe(false)
  })
})

describe('the demo book', () => {
  test('is not bound beside other policies', () => {
    expect(plan({}, { policies: ['a.csv'] }).bindsDemoBook).toBe(false)
  })

  test('is not bound on other flights', () => {
    expect(plan({}, { flights: ['a.txt'] }).bindsDemoBook).toBe(false)
    expect(plan({ AEROAPI_URL: 'http://127.0.0.1:1' }).bindsDemoBook).toBe(false)
  })
})

describe('time', () => {
  test('is wall time with the vendor’s own flights', () => {
    expect(plan({ AEROAPI_KEY: 'key' }).clock).toBeNull()
  })

  test('is virtual with another server in the vendor’s dialect', () => {
    expect(plan({ AEROAPI_URL: 'http://127.0.0.1:4010' }).clock).not.toBeNull()
  })

  test('is what an option says before what a variable says', () => {
    const env = { CLOCK_SPEED: '10', CLOCK_START: '2013-01-01T00:00:00Z' }
    const start = parseInstant('2013-06-01T00:00:00Z')
    expect(plan(env, { speed: 5, clockStart: start }).clock).toEqual({
      start,
      speed: 5,
      isStartExplicit: true,
      isSpeedExplicit: true,
    })
  })

  test('of a variable begins a clock and does not move one', () => {
    const { clock } = plan({ CLOCK_START: '2013-01-01T00:00:00Z' })
    expect(clock).toMatchObject({ start: '2013-01-01T00:00:00.000Z', isStartExplicit: false })
  })
})

describe('refused', () => {
  test('a live payment key with local flights', () => {
    expect(() => plan({ STRIPE_API_KEY: 'sk_live_1' })).toThrow(CliError)
  })

  test('a test payment key with local flights is fine', () => {
    expect(() => plan({ STRIPE_API_KEY: 'sk_test_1' })).not.toThrow()
  })

  test('a leg pack beside another flight-data server', () => {
    expect(() => plan({ AEROAPI_URL: 'http://h:1' }, { flights: ['a.txt'] })).toThrow(/--flights/)
  })
})
