/** The local flight server's own promises: what is known when, date limits, pages, faults. */
import { describe, expect, test } from 'vitest'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { HOUR_MS, MINUTE_MS, toMs } from '../../../domain/time.ts'
import { handClock, leg, referenceOf, startFlights } from './fixtures.ts'

/** Scheduled 15:00 to 18:00 UTC on the 8th, out 10 and in 20 minutes late. */
const LEG = leg({ out: '2013-02-08T15:00:00Z' })
const ARRIVAL_MS = LEG.scheduledInMs + 20 * MINUTE_MS

async function get(url: string, path: string, key = 'k') {
  const response = await fetch(`${url}${path}`, { headers: { 'x-apikey': key } })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

/** What the adapter sees of one leg at a time. */
async function seenAt(now: string, shown = [LEG]): Promise<ProviderLeg[]> {
  await using rig = await startFlights(shown, handClock(now))
  const result = await rig.provider.getStatus(referenceOf(LEG))
  if (!result.ok) throw new Error(result.message)
  return result.value
}

describe('what is known when', () => {
  test('nothing at three days ahead', async () => {
    await using rig = await startFlights([LEG], handClock('2013-02-05T15:00:00Z'))
    const { json } = await get(rig.url, '/flights/JBU35?ident_type=designator')
    expect(json['flights']).toEqual([])
  })

  test('the schedule a day ahead, and no actual time', async () => {
    const [record, ...others] = await seenAt('2013-02-07T15:00:00Z')
    expect(others).toEqual([])
    expect(record).toMatchObject({
      carrier: 'B6',
      flightNumber: '35',
      origin: 'JFK',
      destination: 'PBI',
      scheduledOut: '2013-02-08T15:00:00.000Z',
      scheduledIn: '2013-02-08T18:00:00.000Z',
      actualOut: null,
      actualIn: null,
      cancelled: false,
    })
  })

  test('the departure but not the arrival while it flies', async () => {
    const [record] = await seenAt('2013-02-08T17:00:00Z')
    expect(record).toMatchObject({ actualOut: '2013-02-08T15:10:00.000Z', actualIn: null })
  })

  test('not the arrival in the minute in which it happens', async () => {
    const [record] = await seenAt(new Date(ARRIVAL_MS - 1).toISOString())
    expect(record?.actualIn).toBeNull()
  })

  test('the arrival an hour later, to the minute', async () => {
    const [record] = await seenAt(new Date(ARRIVAL_MS + HOUR_MS).toISOString())
    expect(record?.actualIn).toBe('2013-02-08T18:20:00.000Z')
  })

  test('no actual time is ever in the future, minute by minute', async () => {
    const clock = handClock('2013-02-08T14:00:00Z')
    await using rig = await startFlights([LEG], clock)
    for (let atMs = LEG.scheduledOutMs - HOUR_MS; atMs < ARRIVAL_MS + HOUR_MS; atMs += MINUTE_MS) {
      clock.set(new Date(atMs).toISOString())
      const result = await rig.provider.getStatus(referenceOf(LEG))
      const [record] = result.ok ? result.value : []
      for (const field of ['actualOut', 'actualOff', 'actualOn', 'actualIn'] as const) {
        const actual = record?.[field] ?? null
        if (actual !== null) expect(toMs(actual)).toBeLessThanOrEqual(atMs)
      }
    }
  })

  test('a cancelled flight is flagged and has no actual time', async () => {
    const cancelled = {
      ...LEG,
      status: 'C' as const,
      departureDelayMin: null,
      arrivalDelayMin: null,
    }
    const [record] = await seenAt('2013-02-09T15:00:00Z', [cancelled])
    expect(record).toMatchObject({ cancelled: true, actualOut: null, actualIn: null })
  })

  test('a diverted flight has two records or more with one id, and arrives by the last', async () => {
    const diverted = { ...LEG, status: 'R' as const, arrivalDelayMin: 240 }
    const records = await seenAt('2013-02-09T15:00:00Z', [diverted])
    expect(records.length).toBeGreaterThan(1)
    expect(new Set(records.map(({ providerFlightId }) => providerFlightId)).size).toBe(1)
    const arrivals = records.filter(
      ({ destination, actualIn }) => destination === 'PBI' && actualIn !== null,
    )
    expect(arrivals.map(({ actualIn }) => actualIn)).toEqual(['2013-02-08T22:00:00.000Z'])
    expect(records.some(({ diverted: isDiverted }) => isDiverted)).toBe(true)
  })

  test('the delay is in seconds and from an estimate while there is no arrival', async () => {
    await using rig = await startFlights([LEG], handClock('2013-02-08T17:00:00Z'))
    const { json } = await get(rig.url, '/flights/JBU35?ident_type=designator')
    const [record] = json['flights'] as Record<string, unknown>[]
    expect(record?.['actual_in']).toBeNull()
    const estimatedMs = Date.parse(String(record?.['estimated_in']))
    expect(record?.['arrival_delay']).toBe((estimatedMs - LEG.scheduledInMs) / 1_000)
  })
})

describe('asking for flights', () => {
  const days = ['2013-02-06', '2013-02-08', '2013-02-07']
  const legs = days.map((day) => leg({ out: `${day}T15:00:00Z` }))

  test.each(['JBU35', 'B635', 'jbu35'])(
    'by designator %s, newest departure first',
    async (ident) => {
      await using rig = await startFlights(legs, handClock('2013-02-08T12:00:00Z'))
      const { json } = await get(rig.url, `/aeroapi/flights/${ident}?ident_type=designator`)
      const outs = (json['flights'] as { scheduled_out: string }[]).map((f) => f.scheduled_out)
      expect(outs.map((out) => out.slice(0, 10))).toEqual([
        '2013-02-08',
        '2013-02-07',
        '2013-02-06',
      ])
    },
  )

  test('by the provider’s own id: that flight alone', async () => {
    await using rig = await startFlights(legs, handClock('2013-02-08T12:00:00Z'))
    const { json } = await get(rig.url, '/flights/JBU35?ident_type=designator')
    const [newest] = json['flights'] as { fa_flight_id: string; scheduled_out: string }[]
    const { json: one } = await get(rig.url, `/flights/${newest?.fa_flight_id}`)
    expect(one['flights']).toMatchObject([{ scheduled_out: '2013-02-08T15:00:00Z' }])
    expect(one['flights']).toHaveLength(1)
  })

  test('the start is within, the end is not', async () => {
    await using rig = await startFlights(legs, handClock('2013-02-08T12:00:00Z'))
    const window = 'start=2013-02-06T15:00:00Z&end=2013-02-07T15:00:00Z'
    const { json } = await get(rig.url, `/flights/JBU35?ident_type=designator&${window}`)
    expect(json['flights']).toMatchObject([{ scheduled_out: '2013-02-06T15:00:00Z' }])
    expect(json['flights']).toHaveLength(1)
  })

  test.each([
    ['start=2013-01-29T12:00:00Z', 200],
    ['start=2013-01-29T11:59:59Z', 400],
    ['end=2013-02-10T12:00:00Z', 200],
    ['end=2013-02-10T12:00:01Z', 400],
    ['start=2013-02-08T11:00:00Z&end=2013-02-08T10:00:00Z', 400],
    ['start=yesterday', 400],
    ['start=2013-02-08T12:00:00', 400],
    ['max_pages=0', 400],
    ['cursor=nonsense', 400],
  ])('%s is a %i', async (query, status) => {
    await using rig = await startFlights(legs, handClock('2013-02-08T12:00:00Z'))
    const answer = await get(rig.url, `/flights/JBU35?ident_type=designator&${query}`)
    expect(answer.status).toBe(status)
    if (status === 400) expect(answer.json).toMatchObject({ reason: 'INVALID_ARGUMENT', status })
  })

  test('an old flight is in the history, and only there', async () => {
    await using rig = await startFlights(legs, handClock('2013-03-01T00:00:00Z'))
    const window = 'start=2013-02-06T00:00:00Z&end=2013-02-09T00:00:00Z'
    expect((await get(rig.url, `/flights/JBU35?${window}`)).status).toBe(400)
    const { json } = await get(rig.url, `/history/flights/JBU35?${window}`)
    expect(json['flights']).toHaveLength(3)
    expect((await get(rig.url, '/history/flights/JBU35?start=2013-01-01')).status).toBe(400)
  })

  test('the adapter finds an old leg’s arrival by itself', async () => {
    expect(await seenAt('2013-03-01T00:00:00Z')).toMatchObject([
      { actualIn: '2013-02-08T18:20:00.000Z' },
    ])
  })

  test('fifteen records a page, the link leads to the rest', async () => {
    const hourly = Array.from({ length: 20 }, (_, n) =>
      leg({ out: new Date(LEG.scheduledOutMs + n * HOUR_MS).toISOString() }),
    )
    await using rig = await startFlights(hourly, handClock('2013-02-09T12:00:00Z'))
    const first = await get(rig.url, '/flights/JBU35?ident_type=designator')
    expect(first.json['flights']).toHaveLength(15)
    const { next } = first.json['links'] as { next: string }
    const second = await get(rig.url, next)
    expect(second.json['flights']).toHaveLength(5)
    expect(second.json['links']).toBeNull()
    const whole = await get(rig.url, '/flights/JBU35?ident_type=designator&max_pages=2')
    expect(whole.json).toMatchObject({ num_pages: 2, links: null })
    const result = await rig.provider.getStatus(referenceOf(LEG))
    expect(result).toMatchObject({ ok: true, units: 2 })
    expect(result.ok && result.value).toHaveLength(20)
  })

  test.each(['', 'k_invalid'])('the key "%s" is a 401', async (key) => {
    await using rig = await startFlights(legs, handClock('2013-02-08T12:00:00Z'))
    const answer = await get(rig.url, '/flights/JBU35', key)
    expect(answer).toMatchObject({ status: 401, json: { reason: 'INVALID_API_KEY' } })
  })
})

describe('the timetable and airports', () => {
  test('a leg is found by airline (IATA or ICAO), number and route', async () => {
    await using rig = await startFlights([LEG], handClock('2013-02-01T00:00:00Z'))
    for (const airline of ['B6', 'JBU']) {
      const query = `airline=${airline}&flight_number=35&origin=JFK&destination=KPBI`
      const { json } = await get(rig.url, `/schedules/2013-02-07/2013-02-10?${query}`)
      expect(json['scheduled']).toMatchObject([{ ident_icao: 'JBU35', origin_iata: 'JFK' }])
    }
  })

  test('the timetable does not know what will happen', async () => {
    const cancelled = {
      ...LEG,
      status: 'C' as const,
      departureDelayMin: null,
      arrivalDelayMin: null,
    }
    await using rig = await startFlights([cancelled], handClock('2013-02-09T00:00:00Z'))
    const { json } = await get(rig.url, '/schedules/2013-02-08/2013-02-09')
    expect(json['scheduled']).toMatchObject([{ scheduled_in: '2013-02-08T18:00:00Z' }])
  })

  test.each([
    ['/schedules/2013-02-01/2013-02-22', 200],
    ['/schedules/2013-02-01/2013-02-23', 400],
    ['/schedules/2012-10-01/2012-10-10', 400],
    ['/schedules/2014-02-01/2014-02-10', 400],
    ['/schedules/soon/later', 400],
    ['/airports/KJFK', 200],
    ['/airports/XXX', 400],
    ['/nothing', 404],
  ])('%s is a %i', async (path, status) => {
    await using rig = await startFlights([LEG], handClock('2013-02-01T00:00:00Z'))
    expect((await get(rig.url, path)).status).toBe(status)
  })

  test('an airport says its zone', async () => {
    await using rig = await startFlights([LEG], handClock('2013-02-01T00:00:00Z'))
    const { json } = await get(rig.url, '/airports/KSFO')
    expect(json).toMatchObject({ code_iata: 'SFO', timezone: 'America/Los_Angeles' })
  })

  test('a carrier outside the table is found by its IATA designator', async () => {
    const foreign = leg({ out: '2013-02-08T15:00:00Z', carrier: 'ZZ' })
    await using rig = await startFlights([foreign], handClock('2013-02-08T12:00:00Z'))
    const found = await rig.provider.findScheduled(referenceOf(foreign).identity)
    expect(found).toMatchObject({ ok: true, value: [{ carrier: 'ZZ', providerIdent: 'ZZ35' }] })
    const status = await rig.provider.getStatus(referenceOf(foreign, 'ZZ35'))
    expect(status).toMatchObject({ ok: true, value: [{ carrier: 'ZZ' }] })
  })
})

describe('fault switches', () => {
  const NOW = '2013-02-08T19:30:00Z' // arrived at 18:20 and shown since

  async function withFaults(faults: Record<string, unknown>, now = NOW, timeoutMs = 2_000) {
    await using rig = await startFlights([LEG], handClock(now), { timeoutMs })
    rig.faults.set({ faults })
    return await rig.provider.getStatus(referenceOf(LEG))
  }

  test.each([
    ['500', 'UNAVAILABLE'],
    ['429', 'THROTTLED'],
    ['html', 'MALFORMED'],
    ['truncated', 'MALFORMED'],
    ['reset', 'UNAVAILABLE'],
    ['timeout', 'UNAVAILABLE'],
  ])('%s makes the answer %s', async (name, kind) => {
    expect(await withFaults({ [name]: {} }, NOW, 200)).toMatchObject({ ok: false, kind })
  })

  test('after a burst of two 429 the answer is good', async () => {
    await using rig = await startFlights([LEG], handClock(NOW))
    rig.faults.set({ faults: { '429': { times: 2 } } })
    const oks: boolean[] = []
    for (let n = 0; n < 3; n += 1) oks.push((await rig.provider.getStatus(referenceOf(LEG))).ok)
    expect(oks).toEqual([false, false, true])
  })

  test('stale: the arrival is not shown yet', async () => {
    expect(await withFaults({ stale: { minutes: 120 } })).toMatchObject({
      ok: true,
      value: [{ actualIn: null }],
    })
  })

  test('vanish: an empty list, not a cancellation', async () => {
    expect(await withFaults({ vanish: {} })).toMatchObject({ ok: true, value: [] })
  })

  test('reinstate: cancelled four hours ahead, not an hour ahead', async () => {
    const at = (now: string) => withFaults({ reinstate: {} }, now)
    expect(await at('2013-02-08T11:00:00Z')).toMatchObject({ value: [{ cancelled: true }] })
    expect(await at('2013-02-08T14:00:00Z')).toMatchObject({ value: [{ cancelled: false }] })
  })

  test('cancelFlagWithoutCancel: flagged, and yet it arrives', async () => {
    expect(await withFaults({ cancelFlagWithoutCancel: {} })).toMatchObject({
      value: [{ cancelled: true, actualIn: '2013-02-08T18:20:00.000Z' }],
    })
  })

  test('dupRecords: every record twice', async () => {
    const result = await withFaults({ dupRecords: {} })
    expect(result.ok && result.value).toHaveLength(2)
  })

  test('sameNumberOtherDates: the first record of the list is another day’s', async () => {
    const result = await withFaults({ sameNumberOtherDates: {} })
    expect(result.ok && result.value[0]?.scheduledOut).toBe('2013-02-09T15:00:00.000Z')
    expect(result.ok && result.value[1]?.scheduledOut).toBe('2013-02-08T15:00:00.000Z')
  })

  test('sameNumberOtherDates: invents nothing about a day on which the flight really operates', async () => {
    const next = leg({ out: '2013-02-09T16:00:00Z' })
    await using rig = await startFlights([LEG, next], handClock('2013-02-08T12:00:00Z'))
    rig.faults.set({ faults: { sameNumberOtherDates: {} } })
    const result = await rig.provider.getStatus(referenceOf(LEG))
    const days = result.ok ? result.value.map(({ scheduledOut }) => scheduledOut) : []
    expect(days).toEqual(['2013-02-09T16:00:00.000Z', '2013-02-08T15:00:00.000Z'])
  })

  test('`match` hits one designator and spares the others', async () => {
    const other = leg({ out: '2013-02-08T15:00:00Z', flightNumber: '36' })
    await using rig = await startFlights([LEG, other], handClock(NOW))
    rig.faults.set({ faults: { '500': { match: 'JBU36' } } })
    expect((await rig.provider.getStatus(referenceOf(LEG))).ok).toBe(true)
    expect((await rig.provider.getStatus(referenceOf(other, 'JBU36'))).ok).toBe(false)
  })
})
