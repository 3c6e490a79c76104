/** What every flight-data provider of the product must hold, whoever answers behind it. */
import { expect, test } from 'vitest'
import type { FlightDataProvider, LegReference } from '../../domain/ports/flight-data-provider.ts'
import { addMs, DAY_MS, parseInstant, toMs, type Instant } from '../../domain/time.ts'

const BAD_KEY = 'conformance-key-that-nobody-has'
/** A provider may be ahead of our clock by so much. */
const CLOCK_SKEW_MS = 2 * 60_000

/** One provider under test, with a leg that it knows: in its timetable, and visible now. */
export type FlightDataSubject = AsyncDisposable & {
  readonly provider: FlightDataProvider
  readonly leg: LegReference
  readonly now: () => Promise<Instant>
  /** The same provider with another key. */
  readonly withKey: (apiKey: string) => FlightDataProvider & AsyncDisposable
}

/** Registers the suite's tests; `subject` is called for each. */
export function flightDataConformance(subject: () => Promise<FlightDataSubject>): void {
  test('finds a leg in the timetable once, with zones and the ident to ask with', async () => {
    await using s = await subject()
    const result = await s.provider.findScheduled(s.leg.identity)
    expect(result).toMatchObject({ ok: true })
    const legs = result.ok ? result.value : []
    expect(legs).toHaveLength(1)
    expect(legs[0]?.providerIdent).toBe(s.leg.providerIdent)
    expect(legs[0]?.originZone).toMatch(/^[A-Z][A-Za-z_]+\/[A-Za-z_/]+$/)
    expect(legs[0]?.scheduledOut).toBe(s.leg.scheduledOut)
  })

  test('answers an empty list for a leg that is not in the timetable', async () => {
    await using s = await subject()
    const unknown = { ...s.leg.identity, flightNumber: '9998' }
    expect(await s.provider.findScheduled(unknown)).toMatchObject({ ok: true, value: [] })
  })

  test('answers the records of the designator, the leg among them', async () => {
    await using s = await subject()
    const result = await s.provider.getStatus(s.leg)
    expect(result).toMatchObject({ ok: true, httpStatus: 200 })
    const records = result.ok ? result.value : []
    const ours = records.filter(
      ({ origin, destination, scheduledOut }) =>
        origin === s.leg.identity.origin &&
        destination === s.leg.identity.destination &&
        scheduledOut === s.leg.scheduledOut,
    )
    expect(ours.length).toBeGreaterThanOrEqual(1)
    expect(ours[0]).toMatchObject({
      carrier: s.leg.identity.carrier,
      flightNumber: s.leg.identity.flightNumber,
    })
  })

  test('ties the answer to its body, and counts what it cost', async () => {
    await using s = await subject()
    const result = await s.provider.getStatus(s.leg)
    expect(result.ok && result.payloadSha256).toMatch(/^[0-9a-f]{64}$/)
    expect(result.ok && result.units).toBeGreaterThanOrEqual(1)
  })

  test('gives instants as such, and no actual time that is still to come', async () => {
    await using s = await subject()
    const result = await s.provider.getStatus(s.leg)
    const latest = toMs(await s.now()) + CLOCK_SKEW_MS
    for (const record of result.ok ? result.value : []) {
      for (const actual of [record.actualOut, record.actualOff, record.actualOn, record.actualIn]) {
        if (actual === null) continue
        expect(parseInstant(actual)).toBe(actual)
        expect(toMs(actual)).toBeLessThanOrEqual(latest)
      }
    }
  })

  test('says that a leg is not to be seen yet, not that there is none', async () => {
    await using s = await subject()
    const later = addMs(await s.now(), 30 * DAY_MS)
    const result = await s.provider.getStatus({ ...s.leg, scheduledOut: later, scheduledIn: later })
    expect(result).toMatchObject({ ok: false, kind: 'NOT_FOUND' })
  })

  test('refuses a bad key as AUTH, for good, without repeating it', async () => {
    await using s = await subject()
    await using stranger = s.withKey(`${BAD_KEY}_invalid`)
    const result = await stranger.getStatus(s.leg)
    expect(result).toMatchObject({ ok: false, kind: 'AUTH', isRetryable: false })
    expect(JSON.stringify(result)).not.toContain(BAD_KEY)
  })

  test('throws when it is cancelled, and only then', async () => {
    await using s = await subject()
    const signal = AbortSignal.abort()
    await expect(s.provider.getStatus(s.leg, signal)).rejects.toThrow(/abort/i)
    await expect(s.provider.findScheduled(s.leg.identity, signal)).rejects.toThrow(/abort/i)
  })
}
