/**
 * The aviationstack adapter under the flight-data conformance suite: against the local server always,
 * and against the live service when AVIATIONSTACK_LIVE_KEY is set, with AVIATIONSTACK_LIVE_LEG naming
 * a leg of today that has left: `B6|35|JFK|PBI|2026-05-01|<scheduled out, ISO>|<scheduled in>`.
 * It costs some ten requests. `npm run test:live` runs the live cases alone.
 */
import { describe, expect, test } from 'vitest'
import { loadAirportZones } from '../../adapters/airports/zones.ts'
import {
  AVIATIONSTACK_BASE_URL,
  createAviationstackProvider,
} from '../../adapters/flights/aviationstack.ts'
import type { LegReference } from '../../domain/ports/flight-data-provider.ts'
import { parseInstant, parseLocalDate } from '../../domain/time.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { aviationstack, startBoth } from '../unit/adapters/aviationstack-fixtures.ts'
import { handClock, leg, referenceOf } from '../unit/adapters/fixtures.ts'
import { flightDataConformance } from './flight-data-conformance.ts'

const LIVE_KEY = process.env['AVIATIONSTACK_LIVE_KEY'] ?? ''
const LIVE_LEG = process.env['AVIATIONSTACK_LIVE_LEG'] ?? ''

const LOCAL_SERVERS = [
  ['times mislabelled as the real ones are', {}],
  ['one row a page', { paginate: {} }],
] as const

describe.each(LOCAL_SERVERS)('aviationstack, local server, %s', (_, faults) => {
  flightDataConformance(async () => {
    const known = leg({ out: '2013-02-08T15:00:00Z' })
    const clock = handClock('2013-02-08T20:00:00Z')
    const rig = await startBoth(
      [known, leg({ out: '2013-02-07T22:00:00Z' }), leg({ out: '2013-02-09T15:00:00Z' })],
      clock,
    )
    rig.faults.set({ faults })
    return {
      provider: rig.second,
      leg: referenceOf(known, 'B635'),
      now: () => clock.now(),
      withKey: (apiKey) => aviationstack(`${rig.url}/v1`, clock, { apiKey }),
      [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
    }
  })
})

// Registered only with a key: a run without one has nothing to skip.
if (LIVE_KEY !== '' && LIVE_LEG === '') {
  test('the live service is asked about a leg that it knows', () => {
    expect(LIVE_LEG, 'set AVIATIONSTACK_LIVE_LEG as the head of this file says').not.toBe('')
  })
}
if (LIVE_KEY !== '' && LIVE_LEG !== '') {
  describe('aviationstack, live', () => {
    flightDataConformance(async () => {
      const clock = createSystemClock()
      const airports = loadAirportZones()
      const withKey = (apiKey: string) =>
        createAviationstackProvider({ apiKey, baseUrl: AVIATIONSTACK_BASE_URL, airports, clock })
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
  const [carrier = '', flightNumber = '', origin, destination, date, out, arrival] = text.split('|')
  return {
    identity: {
      carrier,
      flightNumber,
      origin: origin ?? '',
      destination: destination ?? '',
      originLocalDate: parseLocalDate(date ?? ''),
    },
    providerIdent: `${carrier}${flightNumber}`,
    scheduledOut: parseInstant(out ?? ''),
    scheduledIn: parseInstant(arrival ?? ''),
  }
}
