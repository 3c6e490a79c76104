import { describe, expect, test } from 'vitest'

import { PROFILES, profilesOf, switchesAt } from '../../../acceptance/fault-profiles.ts'
import { createFlightFaults, FLIGHT_FAULTS } from '../../../simulator/flights/flight-faults.ts'

describe('the fault profiles', () => {
  test.each([...PROFILES.values()])(
    'set switches that the flight server takes: $name',
    (profile) => {
      const plan = createFlightFaults(1)
      plan.set({ seed: 1, faults: profile.switches })
      expect(Object.keys(plan.describe().faults)).toEqual(Object.keys(profile.switches))
    },
  )

  test('have each switch of the flight server alone', () => {
    const singles = profilesOf('all')
    expect(singles.map(({ name }) => name).toSorted()).toEqual([...FLIGHT_FAULTS].toSorted())
    for (const { name, switches } of singles) expect(Object.keys(switches)).toEqual([name])
  })

  test('are asked for by name', () => {
    expect(profilesOf('none, late').map(({ name }) => name)).toEqual(['none', 'late'])
    expect(() => profilesOf('none,lat')).toThrow('no fault lat')
  })
})

describe('an outage', () => {
  const profile = {
    name: 'x',
    switches: { html: {} },
    outage: { everyMin: 180, forMin: 30 },
  }

  test('is over after its time, and comes back', () => {
    const minute = 60_000
    expect(switchesAt(profile, 29 * minute)).toEqual({ html: {} })
    expect(switchesAt(profile, 30 * minute)).toEqual({})
    expect(switchesAt(profile, 179 * minute)).toEqual({})
    expect(switchesAt(profile, 180 * minute)).toEqual({ html: {} })
  })
})
