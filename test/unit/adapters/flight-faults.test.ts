/** The local flight server's fault switches, each as both dialects' adapters see it. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FlightDataProvider, ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { HOUR_MS, MINUTE_MS, type Instant } from '../../../domain/time.ts'
import { FaultFileError } from '../../../simulator/faults.ts'
import { FLIGHT_FAULTS } from '../../../simulator/flights/flight-faults.ts'
import { COAST_LEG, COAST_REFERENCE, coastLeg, startBoth } from './aviationstack-fixtures.ts'
import { handClock, referenceOf } from './fixtures.ts'

/** Out 10 minutes late at 15:10Z, in 20 late at 21:20Z. */
const ARRIVAL_MS = COAST_LEG.scheduledInMs + 20 * MINUTE_MS
const IN = '2013-02-08T21:20:00.000Z'

type Faults = Record<string, Record<string, unknown>>

async function ask(provider: FlightDataProvider, reference = COAST_REFERENCE) {
  const result = await provider.getStatus(reference)
  if (!result.ok) throw new Error(`${result.kind}: ${result.message}`)
  return result
}

/** What both adapters see of the leg at a time, under faults. */
async function seen(atMs: number, faults: Faults, legs = [COAST_LEG]) {
  await using rig = await startBoth(legs, handClock(new Date(atMs).toISOString()))
  rig.faults.set({ faults })
  const [primary, secondary] = [await ask(rig.provider), await ask(rig.second)]
  return { primary: primary.value, secondary: secondary.value }
}

/** The arrivals that the two show. */
async function arrivals(atMs: number, faults: Faults) {
  const { primary, secondary } = await seen(atMs, faults)
  return [primary[0]?.actualIn ?? null, secondary[0]?.actualIn ?? null]
}

describe('without faults', () => {
  test('both dialects show the same flight', async () => {
    const { primary, secondary } = await seen(ARRIVAL_MS + HOUR_MS, {})
    const timesOf = (record: ProviderLeg | undefined) => ({
      scheduledOut: record?.scheduledOut,
      scheduledIn: record?.scheduledIn,
      actualOut: record?.actualOut,
      actualOff: record?.actualOff,
      actualOn: record?.actualOn,
      actualIn: record?.actualIn,
      registration: record?.registration,
    })
    expect(secondary).toHaveLength(1)
    expect(timesOf(secondary[0])).toEqual(timesOf(primary[0]))
    expect(primary[0]?.actualIn).toBe(IN)
  })

  test('neither shows an arrival before it happens', async () => {
    expect(await arrivals(ARRIVAL_MS - MINUTE_MS, {})).toEqual([null, null])
  })
})

describe('late', () => {
  test('actual times come so much later', async () => {
    const faults = { late: { minutes: 240 } }
    expect(await arrivals(ARRIVAL_MS + 3 * HOUR_MS, faults)).toEqual([null, null])
    expect(await arrivals(ARRIVAL_MS + 5 * HOUR_MS, faults)).toEqual([IN, IN])
  })

  test('estimates go on', async () => {
    const { primary } = await seen(ARRIVAL_MS - HOUR_MS, { late: { minutes: 1_440 } })
    expect(primary[0]).toMatchObject({ actualOut: null, actualIn: null })
    expect(primary[0]?.estimatedIn).not.toBeNull()
  })
})

describe('conflict', () => {
  test('one dialect alone may be wrong, for good', async () => {
    const faults = { conflict: { minutes: 45, dialect: 'aviationstack' } }
    const wrong = '2013-02-08T22:05:00.000Z'
    expect(await arrivals(ARRIVAL_MS + 24 * HOUR_MS, faults)).toEqual([IN, wrong])
  })

  test('a later arrival is not shown before its time', async () => {
    const faults = { conflict: { minutes: 90, dialect: 'aeroapi' } }
    expect(await arrivals(ARRIVAL_MS + HOUR_MS, faults)).toEqual([null, IN])
    const wrong = '2013-02-08T22:50:00.000Z'
    expect(await arrivals(ARRIVAL_MS + 2 * HOUR_MS, faults)).toEqual([wrong, IN])
  })
})

describe('correction', () => {
  const faults = { correction: { minutes: -15, afterMinutes: 60 } }
  const wrong = '2013-02-08T21:05:00.000Z'

  test('the first arrival is wrong', async () => {
    expect(await arrivals(ARRIVAL_MS + 40 * MINUTE_MS, faults)).toEqual([wrong, wrong])
  })

  test('and right once it has been shown for so long', async () => {
    expect(await arrivals(ARRIVAL_MS + 100 * MINUTE_MS, faults)).toEqual([IN, IN])
  })
})

describe('retime', () => {
  const faults = { retime: { minutes: 75, beforeMinutes: 600 } }
  const scheduled = (record: ProviderLeg | undefined) => [record?.scheduledOut, record?.scheduledIn]
  const INSURED: (Instant | undefined)[] = [
    COAST_REFERENCE.scheduledOut,
    COAST_REFERENCE.scheduledIn,
  ]

  test('the timetable stands before', async () => {
    const { primary, secondary } = await seen(COAST_LEG.scheduledOutMs - 11 * HOUR_MS, faults)
    expect(scheduled(primary[0])).toEqual(INSURED)
    expect(scheduled(secondary[0])).toEqual(INSURED)
  })

  test('and is overwritten then: the second source cannot prove its times any more', async () => {
    const { primary, secondary } = await seen(COAST_LEG.scheduledOutMs - 9 * HOUR_MS, faults)
    expect(scheduled(primary[0])).toEqual(['2013-02-08T16:15:00.000Z', '2013-02-08T22:15:00.000Z'])
    expect(secondary).toMatchObject([{ isTimeAmbiguous: true, scheduledOut: null }])
  })

  test('the flight flies as it flew', async () => {
    const { primary } = await seen(ARRIVAL_MS + HOUR_MS, faults)
    expect(primary[0]?.actualIn).toBe(IN)
  })
})

describe('diverted flights', () => {
  const DIVERTED = { ...COAST_LEG, status: 'R' as const, arrivalDelayMin: 240 }
  const atMs = ARRIVAL_MS + 24 * HOUR_MS
  const shapesOf = (records: readonly ProviderLeg[]) =>
    records.map(({ origin, destination, diverted, providerFlightId }) => ({
      way: `${origin === 'JFK' ? 'JFK' : 'elsewhere'}-${destination === 'SFO' ? 'SFO' : 'elsewhere'}`,
      diverted,
      id: providerFlightId ?? '',
    }))

  test('honest: planned, elsewhere and onward under one id; the second source only says so', async () => {
    const { primary, secondary } = await seen(atMs, {}, [DIVERTED])
    const shapes = shapesOf(primary)
    expect(shapes.map(({ way }) => way).toSorted()).toEqual([
      'JFK-SFO',
      'JFK-elsewhere',
      'elsewhere-SFO',
    ])
    expect(new Set(shapes.map(({ id }) => id)).size).toBe(1)
    expect(secondary).toMatchObject([{ diverted: true, actualIn: null, actualOn: null }])
  })

  test('divertNoElsewhere: no record to the other airport', async () => {
    const { primary } = await seen(atMs, { divertNoElsewhere: {} }, [DIVERTED])
    const ways = shapesOf(primary).map(({ way }) => way)
    expect(ways.toSorted()).toEqual(['JFK-SFO', 'elsewhere-SFO'])
  })

  test('divertOriginalGone: no planned record', async () => {
    const { primary } = await seen(atMs, { divertOriginalGone: {} }, [DIVERTED])
    const ways = shapesOf(primary).map(({ way }) => way)
    expect(ways.toSorted()).toEqual(['JFK-elsewhere', 'elsewhere-SFO'])
  })

  test('divertOtherId: the continuation has an id of its own', async () => {
    const { primary } = await seen(atMs, { divertOtherId: {} }, [DIVERTED])
    const ids = shapesOf(primary).map(({ way, id }) => `${way} ${id.endsWith('-onward')}`)
    expect(ids.toSorted()).toEqual(['JFK-SFO false', 'JFK-elsewhere false', 'elsewhere-SFO true'])
  })

  test('divertUnflagged: nothing says that it was diverted', async () => {
    const { primary, secondary } = await seen(atMs, { divertUnflagged: {} }, [DIVERTED])
    expect(shapesOf(primary).some(({ diverted }) => diverted)).toBe(false)
    expect(secondary[0]).toMatchObject({ diverted: false, actualIn: null })
  })
})

describe('how answers are written', () => {
  const days = ['2013-02-07', '2013-02-08', '2013-02-09']
  const legs = days.map((day) => coastLeg(`${day}T15:00:00Z`))
  const clock = handClock('2013-02-08T14:00:00Z')

  test('paginate: one record a page, and the same records', async () => {
    await using rig = await startBoth(legs, clock)
    const whole = [await ask(rig.provider), await ask(rig.second)]
    rig.faults.set({ faults: { paginate: {} } })
    const paged = [await ask(rig.provider), await ask(rig.second)]
    expect(paged.map(({ value }) => value)).toEqual(whole.map(({ value }) => value))
    expect(whole.map(({ units }) => units)).toEqual([1, 1])
    expect(paged.map(({ units, value }) => units === value.length && units > 1)).toEqual([
      true,
      true,
    ])
  })

  test('tzBug is on unless it is set: turned off, times are labelled right', async () => {
    const atMs = ARRIVAL_MS + HOUR_MS
    const bugged = await seen(atMs, {})
    expect(bugged.secondary).toMatchObject([{ timeReading: 'LOCAL', actualIn: IN }])
    const right = await seen(atMs, { tzBug: { rate: 0 } })
    expect(right.secondary).toMatchObject([{ timeReading: 'LABELLED', actualIn: IN }])
  })

  test('secondsMinutes: delay figures in the other unit, and nothing else changes', async () => {
    const atMs = ARRIVAL_MS + HOUR_MS
    const figuresAt = async (faults: Faults) => {
      await using rig = await startBoth([COAST_LEG], handClock(new Date(atMs).toISOString()))
      rig.faults.set({ faults })
      const headers = { 'x-apikey': 'k' }
      const first = await fetch(`${rig.url}/flights/JBU35?ident_type=designator`, { headers })
      const second = await fetch(`${rig.url}/v1/flights?access_key=k&flight_iata=B635`)
      const { flights } = (await first.json()) as { flights: { arrival_delay: number }[] }
      const { data } = (await second.json()) as { data: { arrival: { delay: number } }[] }
      return [flights[0]?.arrival_delay, data[0]?.arrival.delay]
    }
    expect(await figuresAt({})).toEqual([1_200, 20])
    expect(await figuresAt({ secondsMinutes: {} })).toEqual([20, 1_200])
    expect(await seen(atMs, { secondsMinutes: {} })).toEqual(await seen(atMs, {}))
  })

  test('200+error: a success that is none, to both', async () => {
    await using rig = await startBoth([COAST_LEG], clock)
    rig.faults.set({ faults: { '200+error': {} } })
    const results = [
      await rig.provider.getStatus(COAST_REFERENCE),
      await rig.second.getStatus(COAST_REFERENCE),
    ]
    expect(results).toMatchObject([
      { ok: false, kind: 'MALFORMED' },
      { ok: false, kind: 'THROTTLED', httpStatus: 200 },
    ])
  })

  test.each([
    ['500', 'UNAVAILABLE'],
    ['429', 'THROTTLED'],
    ['html', 'MALFORMED'],
    ['truncated', 'MALFORMED'],
    ['reset', 'UNAVAILABLE'],
  ])('%s is %s in both dialects, and only in the one that is named', async (fault, kind) => {
    await using rig = await startBoth([COAST_LEG], clock)
    const kinds = async (settings: Record<string, unknown>) => {
      rig.faults.set({ faults: { [fault]: settings } })
      const results = [
        await rig.provider.getStatus(COAST_REFERENCE),
        await rig.second.getStatus(COAST_REFERENCE),
      ]
      return results.map((result) => (result.ok ? 'ok' : result.kind))
    }
    expect(await kinds({})).toEqual([kind, kind])
    expect(await kinds({ dialect: 'aviationstack' })).toEqual(['ok', kind])
  })
})

describe('the plan of faults', () => {
  test('the same seed hits the same legs in both dialects, about as many as the rate says', async () => {
    const legs = Array.from({ length: 60 }, (_, at) =>
      coastLeg('2013-02-08T15:00:00Z', `${at + 1}`),
    )
    await using rig = await startBoth(legs, handClock('2013-02-09T00:00:00Z'))
    rig.faults.set({ seed: 4, faults: { vanish: { rate: 0.3 } } })
    const vanished = async (provider: FlightDataProvider) => {
      const lost: string[] = []
      for (const each of legs) {
        const { value } = await ask(provider, referenceOf(each, `JBU${each.flightNumber}`))
        if (value.length === 0) lost.push(each.flightNumber)
      }
      return lost
    }
    const first = await vanished(rig.provider)
    expect(await vanished(rig.second)).toEqual(first)
    expect(first.length).toBeGreaterThan(8)
    expect(first.length).toBeLessThan(30)
  })

  test.each(FLIGHT_FAULTS)('the switch %s is documented', (name) => {
    const text = readFileSync(new URL('../../../docs/running.md', import.meta.url), 'utf8')
    expect(text).toContain(`\`${name}\``)
  })

  test('a dialect that is none is refused by name', async () => {
    await using rig = await startBoth([COAST_LEG], handClock('2013-02-09T00:00:00Z'))
    const set = () => rig.faults.set({ faults: { late: { dialect: 'aviatonstack' } } })
    expect(set).toThrow(FaultFileError)
    expect(set).toThrow(/faults\.late\.dialect/)
  })
})
