/**
 * The AeroAPI adapter under the flight-data conformance suite: against the local server always, and
 * against the live service when AEROAPI_LIVE_KEY is set, with AEROAPI_LIVE_LEG naming a leg that has
 * left or leaves within a day: `B6|35|JFK|PBI|2026-05-01|JBU35|<scheduled out, ISO>|<scheduled in>`.
 * It costs some ten result sets. `npm run test:live` runs the live cases alone.
 */
import { describe, expect, test } from 'vitest'
import { AEROAPI_BASE_URL, createAeroApiProvider } from '../../adapters/flights/aeroapi.ts'
import { loadAirportZones } from '../../adapters/airports/zones.ts'
import type { LegReference } from '../../domain/ports/flight-data-provider.ts'
import { parseInstant, parseLocalDate } from '../../domain/time.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { aeroApi, handClock, leg, referenceOf, startFlights } from '../unit/adapters/fixtures.ts'
import { flightDataConformance } from './flight-data-conformance.ts'

const LIVE_KEY = process.env['AEROAPI_LIVE_KEY'] ?? ''
const LIVE_LEG = process.env['AEROAPI_LIVE_LEG'] ?? ''

describe('AeroAPI, local server', () => {
  flightDataConformance(async () => {
    const known = leg({ out: '2013-02-08T15:00:00Z' })
    const clock = handClock('2013-02-08T20:00:00Z')
    const rig = await startFlights(
      [known, leg({ out: '2013-02-07T15:00:00Z' }), leg({ out: '2013-02-09T15:00:00Z' })],
      clock,
    )
    return {
      provider: rig.provider,
      leg: referenceOf(known),
      now: () => clock.now(),
      withKey: (apiKey) => aeroApi(rig.url, clock, { apiKey }),
      [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
    }
  })
})

// Registered only with a key: a run without one has nothing to skip.
if (LIVE_KEY !== '' && LIVE_LEG === '') {
  test('the live service is asked about a leg that it knows', () => {
    expect(LIVE_LEG, 'set AEROAPI_LIVE_LEG as the head of this file says').not.toBe('')
  })
}
if (LIVE_KEY !== '' && LIVE_LEG !== '') {
  describe('AeroAPI, live', () => {
    flightDataConformance(async () => {
      const clock = createSystemClock()
      const airports = loadAirportZones()
      const withKey = (apiKey: string) =>
        createAeroApiProvider({ apiKey, baseUrl: AEROAPI_BASE_URL, airports, clock })
      const provider = withKey(LIVE_KEY)
      return {
        provider,
        leg: parseLiveLeg(LIVE_LEG),
        now: () => clock.now(),
        withKey,
        [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
      }
    })
  })
}

function parseLiveLeg(text: string): LegReference {
  const [carrier, flightNumber, origin, destination, date, providerIdent, out, arrival] =
    text.split('|')
  return {
    identity: {
      carrier: carrier ?? '',
      flightNumber: flightNumber ?? '',
      origin: origin ?? '',
      destination: destination ?? '',
      originLocalDate: parseLocalDate(date ?? ''),
    },
    providerIdent: providerIdent ?? '',
    scheduledOut: parseInstant(out ?? ''),
    scheduledIn: parseInstant(arrival ?? ''),
  }
}
