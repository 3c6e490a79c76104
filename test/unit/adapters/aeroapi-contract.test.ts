/** What the AeroAPI adapter makes of answers that a scripted server gives it, and what it asks. */
import { describe, expect, test } from 'vitest'
import type { Reply } from '../../../simulator/http-server.ts'
import { aeroApi, handClock, leg, referenceOf, startScripted } from './fixtures.ts'

const NOW = '2013-02-08T20:00:00Z'
const LEG = leg({ out: '2013-02-08T15:00:00Z' })

const FLIGHT = {
  ident: 'JBU35',
  ident_icao: 'JBU35',
  ident_iata: 'B635',
  fa_flight_id: 'JBU35-1360335600-schedule-1',
  operator_iata: 'B6',
  flight_number: '35',
  registration: null,
  cancelled: false,
  diverted: false,
  origin: { code: 'KJFK', code_iata: 'JFK' },
  destination: { code: 'KPBI', code_iata: 'PBI' },
  scheduled_out: '2013-02-08T15:00:00Z',
  scheduled_in: '2013-02-08T18:00:00Z',
}

const ok = (body: unknown): Reply => ({ status: 200, body: JSON.stringify(body) })
const page = (...flights: unknown[]): Reply => ok({ links: null, num_pages: 1, flights })

/** The adapter's answer about LEG when the server replies so. */
async function statusFrom(reply: Reply, overrides: { apiKey?: string; timeoutMs?: number } = {}) {
  await using server = await startScripted(() => reply)
  await using provider = aeroApi(server.url, handClock(NOW), overrides)
  return { result: await provider.getStatus(referenceOf(LEG)), asked: server.asked }
}

describe('what is asked', () => {
  test('trap 22: asks for the designator as such, two days around the leg, with the key in a header', async () => {
    const { asked } = await statusFrom(page())
    const url = new URL(asked[0]?.target ?? '', 'http://x')
    expect(url.pathname).toBe('/flights/JBU35')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ident_type: 'designator',
      start: '2013-02-08T03:00:00Z',
      end: '2013-02-10T03:00:00Z',
      max_pages: '1',
    })
    expect(asked[0]?.headers['x-apikey']).toBe('test-key')
  })

  test('trap 23: never asks for dates later than two days from now', async () => {
    await using server = await startScripted(() => page())
    await using provider = aeroApi(server.url, handClock('2013-02-07T00:00:00Z'))
    await provider.getStatus(referenceOf(LEG))
    const url = new URL(server.asked[0]?.target ?? '', 'http://x')
    expect(url.searchParams.get('end')).toBe('2013-02-08T23:30:00Z')
  })

  test('trap 23: asks the history once the leg is older than the status endpoint shows', async () => {
    await using server = await startScripted(() => page())
    await using provider = aeroApi(server.url, handClock('2013-02-20T00:00:00Z'))
    await provider.getStatus(referenceOf(LEG))
    expect(server.asked[0]?.target).toMatch(/^\/history\/flights\/JBU35\?/)
  })

  test('asks the status endpoint while the leg is within it', async () => {
    await using server = await startScripted(() => page())
    await using provider = aeroApi(server.url, handClock('2013-02-17T00:00:00Z'))
    await provider.getStatus(referenceOf(LEG))
    expect(server.asked[0]?.target).toMatch(/^\/flights\/JBU35\?/)
  })

  test('does not ask for a leg that leaves later than flights are shown', async () => {
    await using server = await startScripted(() => page())
    await using provider = aeroApi(server.url, handClock('2013-02-01T00:00:00Z'))
    const result = await provider.getStatus(referenceOf(LEG))
    expect(result).toMatchObject({ ok: false, kind: 'NOT_FOUND' })
    expect(server.asked).toEqual([])
  })

  test('keeps the path of the base URL', async () => {
    await using server = await startScripted(() => page())
    await using provider = aeroApi(`${server.url}/aeroapi/`, handClock(NOW))
    await provider.getStatus(referenceOf(LEG))
    expect(server.asked[0]?.target).toMatch(/^\/aeroapi\/flights\/JBU35\?/)
  })
})

describe('records', () => {
  test('trap 11: a delay figure is never carried, whatever its unit', async () => {
    const { result } = await statusFrom(
      page({ ...FLIGHT, arrival_delay: 3_600, departure_delay: 60 }),
    )
    expect(JSON.stringify(result)).not.toContain('3600')
    expect(JSON.stringify(result)).not.toMatch(/delay/i)
  })

  test('trap 12: an estimate is never an arrival', async () => {
    const estimate = { estimated_in: '2013-02-08T18:40:00Z', arrival_delay: 2_400 }
    const { result } = await statusFrom(page({ ...FLIGHT, ...estimate, progress_percent: 100 }))
    expect(result).toMatchObject({
      ok: true,
      value: [{ actualIn: null, estimatedIn: '2013-02-08T18:40:00.000Z' }],
    })
  })

  test('touching down is not arriving', async () => {
    const { result } = await statusFrom(page({ ...FLIGHT, actual_on: '2013-02-08T18:01:00Z' }))
    expect(result).toMatchObject({
      ok: true,
      value: [{ actualOn: '2013-02-08T18:01:00.000Z', actualIn: null }],
    })
  })

  test('all records come through in the order given, other dates and duplicates too', async () => {
    const days = ['2013-02-09', '2013-02-08', '2013-02-08', '2013-02-07']
    const flights = days.map((day) => ({ ...FLIGHT, scheduled_out: `${day}T15:00:00Z` }))
    const { result } = await statusFrom(page(...flights))
    const outs = result.ok ? result.value.map(({ scheduledOut }) => scheduledOut?.slice(0, 10)) : []
    expect(outs).toEqual(days)
  })

  test('every optional field may be missing', async () => {
    const { ident, cancelled, diverted } = FLIGHT
    const { result } = await statusFrom(page({ ident, cancelled, diverted }))
    expect(result).toMatchObject({
      ok: true,
      value: [{ carrier: 'B6', origin: null, scheduledOut: null, actualIn: null }],
    })
  })

  test('a missing cancelled flag makes the answer malformed, not "not cancelled"', async () => {
    const { cancelled: _, ...flight } = FLIGHT
    const { result } = await statusFrom(page(FLIGHT, flight))
    expect(result).toMatchObject({ ok: false, kind: 'MALFORMED' })
    expect(result.ok ? '' : result.message).toContain('flights.1.cancelled')
  })

  test('a time without an offset makes the answer malformed', async () => {
    const { result } = await statusFrom(page({ ...FLIGHT, actual_in: '2013-02-08T18:20:00' }))
    expect(result).toMatchObject({ ok: false, kind: 'MALFORMED' })
  })

  test('an offset other than Z is the same instant', async () => {
    const { result } = await statusFrom(page({ ...FLIGHT, actual_in: '2013-02-08T13:20:00-05:00' }))
    expect(result).toMatchObject({ ok: true, value: [{ actualIn: '2013-02-08T18:20:00.000Z' }] })
  })

  test('the answer is tied to the body by its hash', async () => {
    const first = await statusFrom(page(FLIGHT))
    const same = await statusFrom(page(FLIGHT))
    const other = await statusFrom(page({ ...FLIGHT, registration: 'N1' }))
    const shaOf = ({ result }: typeof first) => (result.ok ? result.payloadSha256 : '')
    expect(shaOf(first)).toMatch(/^[0-9a-f]{64}$/)
    expect(shaOf(same)).toBe(shaOf(first))
    expect(shaOf(other)).not.toBe(shaOf(first))
  })
})

describe('failures', () => {
  const problem = (status: number, reason: string): Reply => ({
    status,
    body: JSON.stringify({ title: 'Error', reason, detail: 'why it is so', status }),
  })

  test.each([
    [400, 'INVALID_ARGUMENT', 'BAD_REQUEST', false],
    [401, 'INVALID_API_KEY', 'AUTH', false],
    [402, 'PAYMENT_REQUIRED', 'QUOTA', false],
    [403, 'FORBIDDEN', 'AUTH', false],
    [404, 'NOT_FOUND', 'NOT_FOUND', false],
    [429, '', 'THROTTLED', true],
    [500, '', 'UNAVAILABLE', true],
    [503, '', 'UNAVAILABLE', true],
  ] as const)('HTTP %i %s is %s', async (status, reason, kind, isRetryable) => {
    const { result } = await statusFrom(problem(status, reason))
    expect(result).toMatchObject({ ok: false, kind, isRetryable, httpStatus: status })
    expect(result.ok ? '' : result.message).toContain('why it is so')
  })

  test('a 429 without Retry-After still says when to come again', async () => {
    const { result } = await statusFrom({ status: 429, body: 'Too many requests' })
    expect(result).toMatchObject({ kind: 'THROTTLED', retryAfterMs: 2_000 })
  })

  test('a 429 with Retry-After is believed', async () => {
    const headers = { 'retry-after': '30' }
    const { result } = await statusFrom({ status: 429, body: '', headers })
    expect(result).toMatchObject({ kind: 'THROTTLED', retryAfterMs: 30_000 })
  })

  test.each([
    ['a page of HTML', '<html><body>gateway</body></html>'],
    ['half an answer', '{"links":null,"flights":[{"ident":"JBU3'],
    ['nothing', ''],
    ['null', 'null'],
    ['another object', '{"error":"oops"}'],
    ['a list of the wrong things', '{"links":null,"flights":["JBU35"]}'],
  ])('%s is malformed, never an empty list', async (_, body) => {
    const { result } = await statusFrom({ status: 200, body })
    expect(result).toMatchObject({ ok: false, kind: 'MALFORMED', isRetryable: true })
  })

  test('a body over the limit is malformed', async () => {
    const { result } = await statusFrom({ status: 200, body: ' '.repeat(2 * 1_024 * 1_024 + 1) })
    expect(result).toMatchObject({ ok: false, kind: 'MALFORMED' })
  })

  test.each(['reset', 'hang'] as const)(
    'a connection that ends in %s is unavailable',
    async (how) => {
      const { result } = await statusFrom(how, { timeoutMs: 100 })
      expect(result).toMatchObject({ ok: false, kind: 'UNAVAILABLE', httpStatus: null })
    },
  )

  test('a server that is not there is unavailable', async () => {
    await using provider = aeroApi('http://127.0.0.1:1', handClock(NOW))
    const result = await provider.getStatus(referenceOf(LEG))
    expect(result).toMatchObject({ ok: false, kind: 'UNAVAILABLE', isRetryable: true })
  })

  test('a message never holds the key, even when the server echoes it', async () => {
    const body = JSON.stringify({ reason: 'INVALID_API_KEY', detail: 'bad key s3cret-key' })
    const { result } = await statusFrom({ status: 401, body }, { apiKey: 's3cret-key' })
    expect(JSON.stringify(result)).toContain('[key]')
    expect(JSON.stringify(result)).not.toContain('s3cret-key')
  })

  test('cancellation throws, it is not an outcome of the service', async () => {
    await using server = await startScripted(() => 'hang')
    await using provider = aeroApi(server.url, handClock(NOW))
    const cancel = new AbortController()
    const call = provider.getStatus(referenceOf(LEG), cancel.signal)
    cancel.abort()
    await expect(call).rejects.toThrow(/abort/i)
  })
})

describe('pages', () => {
  test('all pages of a list are read, and each is counted', async () => {
    await using server = await startScripted(({ query }) => {
      const at = Number(query.get('cursor') ?? 0)
      const links = at < 2 ? { next: `/flights/JBU35?cursor=${at + 1}` } : null
      return ok({ links, flights: [{ ...FLIGHT, registration: `N${at}` }] })
    })
    await using provider = aeroApi(`${server.url}/aeroapi`, handClock(NOW))
    const result = await provider.getStatus(referenceOf(LEG))
    expect(result).toMatchObject({ ok: true, units: 3 })
    expect(result.ok && result.value.map((record) => record.registration)).toEqual([
      'N0',
      'N1',
      'N2',
    ])
    expect(server.asked.at(-1)?.target).toBe('/aeroapi/flights/JBU35?cursor=2')
  })

  test('a list without end is a failure, not its first pages', async () => {
    await using server = await startScripted(() => ok({ links: { next: '/x' }, flights: [FLIGHT] }))
    await using provider = aeroApi(server.url, handClock(NOW))
    const result = await provider.getStatus(referenceOf(LEG))
    expect(result).toMatchObject({ ok: false, kind: 'MALFORMED' })
    expect(server.asked).toHaveLength(20)
  })

  // A server behind a proxy, or asked by another of its names, links with the name that it knows.
  test('a link with another host is followed on the own server: the key never goes there', async () => {
    await using stranger = await startScripted(() => page())
    await using server = await startScripted(({ query }) => {
      const links = query.has('cursor')
        ? null
        : { next: `${stranger.url}/api/flights/JBU35?cursor=2` }
      return ok({ links, flights: [FLIGHT] })
    })
    await using provider = aeroApi(`${server.url}/api`, handClock(NOW))
    const result = await provider.getStatus(referenceOf(LEG))
    expect(result).toMatchObject({ ok: true, units: 2 })
    expect(stranger.asked).toEqual([])
    expect(server.asked.at(-1)?.target).toBe('/api/flights/JBU35?cursor=2')
  })
})

describe('the breaker', () => {
  const circuit = { failureShare: 0.5, windowCalls: 4, minimumCalls: 4, openMs: 60_000 }

  test('answers at once without a call after half of the calls failed', async () => {
    await using server = await startScripted(() => ({ status: 503, body: '' }))
    await using provider = aeroApi(server.url, handClock(NOW), { circuit })
    for (let call = 0; call < 4; call += 1) await provider.getStatus(referenceOf(LEG))
    expect(provider.breakerState()).toBe('open')
    const result = await provider.getStatus(referenceOf(LEG))
    expect(result).toMatchObject({ ok: false, kind: 'UNAVAILABLE', retryAfterMs: 60_000 })
    expect(server.asked).toHaveLength(4)
  })

  test('closes again when its trial call succeeds', async () => {
    let isDown = true
    await using server = await startScripted(() => (isDown ? { status: 503, body: '' } : page()))
    const quick = { ...circuit, openMs: 0 }
    await using provider = aeroApi(server.url, handClock(NOW), { circuit: quick })
    for (let call = 0; call < 4; call += 1) await provider.getStatus(referenceOf(LEG))
    isDown = false
    expect(await provider.getStatus(referenceOf(LEG))).toMatchObject({ ok: true })
    expect(provider.breakerState()).toBe('closed')
  })

  test('stays closed for what is wrong with one request', async () => {
    await using server = await startScripted(() => ({ status: 404, body: '' }))
    await using provider = aeroApi(server.url, handClock(NOW), { circuit })
    for (let call = 0; call < 8; call += 1) await provider.getStatus(referenceOf(LEG))
    expect(provider.breakerState()).toBe('closed')
    expect(server.asked).toHaveLength(8)
  })
})
