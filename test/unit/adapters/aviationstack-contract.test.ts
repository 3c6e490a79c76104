/** What the aviationstack adapter makes of answers that a scripted server gives it, and what it asks. */
import { describe, expect, test } from 'vitest'
import type { Reply } from '../../../simulator/http-server.ts'
import {
  aviationstack,
  COAST_REFERENCE,
  NOW,
  page,
  recordFrom,
  row,
  statusFrom,
} from './aviationstack-fixtures.ts'
import { handClock, startScripted } from './fixtures.ts'

const ok = (body: unknown, status = 200): Reply => ({ status, body: JSON.stringify(body) })
const error = (status: number, code: string, message = 'why it is so'): Reply =>
  ok({ error: { code, message } }, status)

function queryOf(asked: readonly { target: string }[], at = 0) {
  return new URL(asked[at]?.target ?? '', 'http://x')
}

describe('what is asked', () => {
  test('asks for the operating designator, today’s flights without a date', async () => {
    const { asked } = await statusFrom(page())
    const url = queryOf(asked)
    expect(url.pathname).toBe('/flights')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      flight_iata: 'B635',
      limit: '100',
      offset: '0',
      access_key: 'test-key',
    })
  })

  test('asks by number and carrier, not by the ident of the provider that bound the leg', async () => {
    const bound = { ...COAST_REFERENCE, providerIdent: 'JBU35' }
    const { asked } = await statusFrom(page(), {}, bound)
    expect(queryOf(asked).searchParams.get('flight_iata')).toBe('B635')
  })

  test('names the date once it is past on the wall at the origin', async () => {
    const { asked } = await statusFrom(page(), { clock: handClock('2013-02-09T05:00:00Z') })
    expect(queryOf(asked).searchParams.get('flight_date')).toBe('2013-02-08')
  })

  test('names no date a minute before, though it is past in UTC', async () => {
    const { asked } = await statusFrom(page(), { clock: handClock('2013-02-09T04:59:00Z') })
    expect(queryOf(asked).searchParams.has('flight_date')).toBe(false)
  })

  test.each(['2013-02-05T12:00:00Z', '2013-05-10T12:00:00Z'])(
    'does not ask at %s, when the provider does not show the leg',
    async (now) => {
      const { result, asked } = await statusFrom(page(), { clock: handClock(now) })
      expect(result).toMatchObject({ ok: false, kind: 'NOT_FOUND' })
      expect(asked).toEqual([])
    },
  )
})

describe('records', () => {
  // Trap 11: their delay is in minutes, null for early and for unknown, and from estimates.
  test('trap 11: a delay figure is never carried, whatever its unit', async () => {
    const late = { delay: 9_876, estimated: '2013-02-08T13:10:00+00:00' }
    const record = await recordFrom(page(row({ arrival: late })))
    expect(JSON.stringify(record)).not.toMatch(/delay|9876/i)
  })

  // Trap 12.
  test('trap 12: an estimate is never an arrival, not even of a landed flight', async () => {
    const arrival = { estimated: '2013-02-08T13:10:00+00:00', actual: null }
    const record = await recordFrom(page(row({ flight_status: 'landed', arrival })))
    expect(record).toMatchObject({ actualIn: null, estimatedIn: '2013-02-08T21:10:00.000Z' })
  })

  test.each(['scheduled', 'active', 'diverted', 'incident', 'cancelled'])(
    'a time that is called actual is no arrival while the flight is %s',
    async (status) => {
      const arrival = {
        actual: '2013-02-08T13:10:00+00:00',
        actual_runway: '2013-02-08T13:05:00+00:00',
      }
      const record = await recordFrom(page(row({ flight_status: status, arrival })))
      expect(record).toMatchObject({ actualIn: null, actualOn: null })
    },
  )

  test('a landed flight’s actual time is an arrival of unknown quality', async () => {
    const arrival = { actual: '2013-02-08T13:10:00+00:00' }
    const record = await recordFrom(page(row({ flight_status: 'landed', arrival })))
    expect(record).toMatchObject({
      actualIn: '2013-02-08T21:10:00.000Z',
      actualOn: null,
      arrivalQuality: 'UNKNOWN',
    })
  })

  test('touching down is not arriving', async () => {
    const arrival = { actual_runway: '2013-02-08T13:05:00+00:00' }
    const record = await recordFrom(page(row({ flight_status: 'landed', arrival })))
    expect(record).toMatchObject({ actualOn: '2013-02-08T21:05:00.000Z', actualIn: null })
    expect(record.arrivalQuality).toBeUndefined()
  })

  test('an incident is for people: neither cancelled nor diverted nor arrived', async () => {
    const record = await recordFrom(page(row({ flight_status: 'incident' })))
    expect(record).toMatchObject({ isIncident: true, cancelled: false, diverted: false })
  })

  test('a diverted flight is flagged, and expected nowhere', async () => {
    const arrival = { estimated: '2013-02-08T13:10:00+00:00' }
    const record = await recordFrom(page(row({ flight_status: 'diverted', arrival })))
    expect(record).toMatchObject({ diverted: true, estimatedIn: null, destination: 'SFO' })
    expect(record.isIncident).toBeUndefined()
  })

  // Trap 13.
  test('trap 13: a code share’s row is the operating flight, and says how it was sold', async () => {
    const codeshared = { airline_iata: 'b6', flight_number: '35', flight_iata: 'b635' }
    const flight = { number: '3035', iata: 'QF3035', icao: 'QFA3035', codeshared }
    const record = await recordFrom(page(row({ flight })))
    expect(record).toMatchObject({ carrier: 'B6', flightNumber: '35', marketingIdent: 'QF3035' })
  })

  test('an operating row says nothing of a sale', async () => {
    const record = await recordFrom(page(row()))
    expect(record).toMatchObject({ carrier: 'B6', flightNumber: '35' })
    expect(record.marketingIdent).toBeUndefined()
  })

  test('our number sold by another carrier’s flight is that carrier’s, not ours', async () => {
    const codeshared = { airline_iata: 'ek', flight_number: '202', flight_iata: 'ek202' }
    const record = await recordFrom(page(row({ flight: { codeshared } })))
    expect(record).toMatchObject({ carrier: 'EK', flightNumber: '202' })
  })

  test('airports and carriers may be named by their ICAO codes alone', async () => {
    const departure = { iata: null, timezone: null }
    const record = await recordFrom(page(row({ departure, flight: { iata: null } })))
    expect(record).toMatchObject({
      carrier: 'B6',
      origin: 'JFK',
      scheduledOut: '2013-02-08T15:00:00.000Z',
    })
  })

  test.each([
    ['without a status', { flight_status: undefined }],
    ['of a status nobody knows', { flight_status: 'vanished' }],
    ['with a time that is none', { departure: { scheduled: '10 a.m.' } }],
    ['with an hour that is none', { departure: { scheduled: '2013-02-08T25:00:00+00:00' } }],
    ['with an offset that is none', { departure: { scheduled: '2013-02-08T10:00:00+99:99' } }],
  ])('a row %s makes the answer malformed', async (_, bad) => {
    const { result } = await statusFrom(page(row(), row(bad)))
    expect(result).toMatchObject({ ok: false, kind: 'MALFORMED' })
    expect(result.ok ? '' : result.message).toContain('data.1')
  })
})

describe('failures', () => {
  test.each([
    [401, 'invalid_access_key', 'AUTH', false],
    [401, 'missing_access_key', 'AUTH', false],
    [401, 'inactive_user', 'AUTH', false],
    [403, 'https_access_restricted', 'AUTH', false],
    [403, 'function_access_restricted', 'AUTH', false],
    [404, 'invalid_api_function', 'BAD_REQUEST', false],
    [404, '404_not_found', 'BAD_REQUEST', false],
    [429, 'usage_limit_reached', 'QUOTA', false],
    [429, 'rate_limit_reached', 'THROTTLED', true],
    [500, 'internal_error', 'UNAVAILABLE', true],
    [418, 'a_new_code', 'BAD_REQUEST', false],
    [503, 'a_new_code', 'UNAVAILABLE', true],
  ] as const)('HTTP %i %s is %s', async (status, code, kind, isRetryable) => {
    const { result } = await statusFrom(error(status, code))
    expect(result).toMatchObject({ ok: false, kind, isRetryable, httpStatus: status })
    expect(result.ok ? '' : result.message).toContain('why it is so')
  })

  test.each([
    ['usage_limit_reached', 'QUOTA'],
    ['rate_limit_reached', 'THROTTLED'],
    ['invalid_access_key', 'AUTH'],
    ['internal_error', 'UNAVAILABLE'],
    ['a_new_code', 'UNAVAILABLE'],
  ] as const)('200 with the error %s is %s, never an answer', async (code, kind) => {
    const { result } = await statusFrom(error(200, code))
    expect(result).toMatchObject({ ok: false, kind, httpStatus: 200 })
  })

  test('an error beside data is still an error', async () => {
    const pagination = { limit: 100, offset: 0, count: 0, total: 0 }
    const body = { pagination, data: [], error: { code: 'usage_limit_reached', message: 'm' } }
    expect((await statusFrom(ok(body))).result).toMatchObject({ ok: false, kind: 'QUOTA' })
  })

  test('the error’s code speaks before the status: a month used up is no throttling', async () => {
    const { result } = await statusFrom(error(500, 'usage_limit_reached'))
    expect(result).toMatchObject({ kind: 'QUOTA', isRetryable: false })
  })

  test('an internal error that refuses for good is not tried again', async () => {
    const { result } = await statusFrom(error(500, 'internal_error', 'date must be above today+7'))
    expect(result).toMatchObject({ kind: 'BAD_REQUEST', isRetryable: false, httpStatus: 500 })
  })

  test('an error that blames a parameter is not tried again', async () => {
    const context = { flight_date: [{ key: 'invalid', message: 'no date' }] }
    const body = { error: { code: 'some_error', message: 'failed', context } }
    expect((await statusFrom(ok(body, 500))).result).toMatchObject({ kind: 'BAD_REQUEST' })
  })

  test('older answers name the error in its type', async () => {
    const body = { success: false, error: { code: 104, type: 'usage_limit_reached', info: 'i' } }
    expect((await statusFrom(ok(body))).result).toMatchObject({ kind: 'QUOTA' })
  })

  test('a throttled call says when to come again', async () => {
    const { result } = await statusFrom(error(429, 'rate_limit_reached'))
    expect(result).toMatchObject({ retryAfterMs: 10_000 })
  })

  test.each([
    ['a page of HTML', '<html><body>gateway</body></html>'],
    ['half an answer', '{"pagination":{"limit":100},"data":[{"flight_da'],
    ['nothing', ''],
    ['null', 'null'],
    ['another object', '{"flights":[]}'],
  ])('%s is malformed, never an empty list', async (_, body) => {
    const { result } = await statusFrom({ status: 200, body })
    expect(result).toMatchObject({ ok: false, kind: 'MALFORMED', isRetryable: true })
  })

  test.each([
    ['hang', 'TimeoutError'],
    ['reset', 'UND_ERR_SOCKET'],
  ] as const)('a server that does %s is unavailable', async (reply, reason) => {
    const { result } = await statusFrom(reply, { timeoutMs: 100 })
    expect(result).toMatchObject({ ok: false, kind: 'UNAVAILABLE', isRetryable: true })
    expect(result.ok ? '' : result.message).toContain(reason)
  })
})

describe('the key', () => {
  const KEY = 's3cret/key+1'

  test.each([
    ['bare', `bad key ${KEY}`],
    ['as it stands in a URL', `GET /v1/flights?access_key=${encodeURIComponent(KEY)}&limit=1`],
    ['cut short in a URL', 'GET /v1/flights?access_key=s3cre'],
  ])('is cut out of messages, %s', async (_, message) => {
    const { result } = await statusFrom(error(401, 'invalid_access_key', message), { apiKey: KEY })
    expect(JSON.stringify(result)).toContain('[key]')
    expect(JSON.stringify(result)).not.toContain('s3cre')
  })

  test('is in no failure without an answer, and in no error of a cancelled call', async () => {
    await using server = await startScripted(() => 'reset')
    await using provider = aviationstack(server.url, handClock(NOW), { apiKey: KEY })
    const result = await provider.getStatus(COAST_REFERENCE)
    expect(JSON.stringify(result)).not.toContain('s3cret')
    const cancelled = provider.getStatus(COAST_REFERENCE, AbortSignal.abort())
    const thrown: unknown = await cancelled.catch((reason: unknown) => reason)
    expect(`${String(thrown)} ${JSON.stringify(thrown)}`).not.toContain('s3cret')
  })

  test('reaches the server as it is', async () => {
    const { asked } = await statusFrom(page(), { apiKey: KEY })
    expect(queryOf(asked).searchParams.get('access_key')).toBe(KEY)
  })
})

describe('pages', () => {
  const rowsOf = (total: number): ((query: URLSearchParams) => Reply) => {
    const all = Array.from({ length: total }, (_, at) =>
      row({ aircraft: { registration: `N${at}` } }),
    )
    return (query) => {
      const offset = Number(query.get('offset'))
      const data = all.slice(offset, offset + 2)
      return ok({ pagination: { limit: 2, offset, count: data.length, total }, data })
    }
  }

  test('all pages of a list are read, and each is counted', async () => {
    const reply = rowsOf(5)
    await using server = await startScripted(({ query }) => reply(query))
    await using provider = aviationstack(server.url, handClock(NOW))
    const result = await provider.getStatus(COAST_REFERENCE)
    expect(result).toMatchObject({ ok: true, units: 3 })
    expect(result.ok && result.value.map(({ registration }) => registration)).toEqual([
      'N0',
      'N1',
      'N2',
      'N3',
      'N4',
    ])
  })

  test('a full last page is the last', async () => {
    const reply = rowsOf(4)
    await using server = await startScripted(({ query }) => reply(query))
    await using provider = aviationstack(server.url, handClock(NOW))
    expect(await provider.getStatus(COAST_REFERENCE)).toMatchObject({ ok: true, units: 2 })
  })

  test.each([
    ['without end', [row()], 20],
    ['with fewer rows than it says', [], 1],
  ])('a list %s is a failure, not its first pages', async (_, data, requests) => {
    const pagination = { limit: 1, offset: 0, count: data.length, total: 1_000 }
    await using server = await startScripted(() => ok({ pagination, data }))
    await using provider = aviationstack(server.url, handClock(NOW))
    const result = await provider.getStatus(COAST_REFERENCE)
    expect(result).toMatchObject({ ok: false, kind: 'MALFORMED' })
    expect(server.asked).toHaveLength(requests)
  })

  test('a failure half-way is a failure', async () => {
    const reply = rowsOf(5)
    await using server = await startScripted(({ query }) =>
      query.get('offset') === '2' ? error(429, 'usage_limit_reached') : reply(query),
    )
    await using provider = aviationstack(server.url, handClock(NOW))
    expect(await provider.getStatus(COAST_REFERENCE)).toMatchObject({ ok: false, kind: 'QUOTA' })
  })
})

describe('the breaker', () => {
  const circuit = { failureShare: 0.5, windowCalls: 4, minimumCalls: 4, openMs: 60_000 }

  test('answers at once without a call after half of the calls failed', async () => {
    await using server = await startScripted(() => error(503, 'internal_error'))
    await using provider = aviationstack(server.url, handClock(NOW), { circuit })
    for (let call = 0; call < 4; call += 1) await provider.getStatus(COAST_REFERENCE)
    expect(provider.breakerState()).toBe('open')
    const result = await provider.getStatus(COAST_REFERENCE)
    expect(result).toMatchObject({ ok: false, kind: 'UNAVAILABLE', retryAfterMs: 60_000 })
    expect(server.asked).toHaveLength(4)
  })

  test('stays closed for refusals for good, even with status 500', async () => {
    const refusal = error(500, 'internal_error', 'date must be above today+7')
    await using server = await startScripted(() => refusal)
    await using provider = aviationstack(server.url, handClock(NOW), { circuit })
    for (let call = 0; call < 8; call += 1) await provider.getStatus(COAST_REFERENCE)
    expect(provider.breakerState()).toBe('closed')
  })
})
