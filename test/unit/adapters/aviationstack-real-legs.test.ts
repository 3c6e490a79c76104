/** Trap 10 on real legs around a change of clocks: no mislabelled time is ever read as another instant. */
import { expect, test } from 'vitest'
import { toProviderLegs } from '../../../adapters/flights/aviationstack-records.ts'
import { statusPage } from '../../../adapters/flights/aviationstack-schema.ts'
import { packLegIdentity, type PackLeg } from '../../../domain/leg-pack.ts'
import type { LegReference } from '../../../domain/ports/flight-data-provider.ts'
import { viewLeg } from '../../../domain/simulation/provider-view.ts'
import { DAY_MS, HOUR_MS, instantFromMs, MINUTE_MS } from '../../../domain/time.ts'
import { isPlanned } from '../../../domain/simulation/record-faults.ts'
import { renderRow } from '../../../simulator/flights/render-aviationstack.ts'
import { loadPack } from '../domain/real-legs.ts'

const SEED = 5
/** Every leg under way on the night of 10 March 2013, every so many of the others. */
const EVERY = 100
const CHANGE_MS = Date.UTC(2013, 2, 10, 7)

const { legs, zones } = loadPack('nyc2013-03-dst.legs.txt.gz')
const checked = legs.filter(
  (leg, at) =>
    leg.status === 'A' &&
    (at % EVERY === 0 || Math.abs(leg.scheduledInMs - CHANGE_MS) < 3 * HOUR_MS),
)

function referenceOf(leg: PackLeg): LegReference {
  return {
    identity: packLegIdentity(leg, zones),
    providerIdent: `${leg.carrier}${leg.flightNumber}`,
    scheduledOut: instantFromMs(leg.scheduledOutMs),
    scheduledIn: instantFromMs(leg.scheduledInMs),
  }
}

/** What the adapter makes of the leg's row a day after it has arrived. */
function readLeg(leg: PackLeg, isTzBugged: boolean) {
  const records = viewLeg(leg, zones, leg.scheduledInMs + 2 * DAY_MS, SEED)
  const data = records
    .filter((record) => isPlanned(record, leg))
    .map((record) => renderRow(record, zones, { isTzBugged, delayUnitMs: MINUTE_MS }))
  const parsed = statusPage.parse(JSON.parse(JSON.stringify({ data })))
  const airports = { zoneOf: () => null, iataOf: () => null }
  return toProviderLegs(parsed.data, referenceOf(leg), airports)
}

test.each([
  ['wall times under a UTC label', true],
  ['rightly labelled times', false],
])('trap 10: %s give the arrival to the minute, or no time at all', (_, isTzBugged) => {
  expect(checked.length).toBeGreaterThan(150)
  const wrong: string[] = []
  let unread = 0
  for (const leg of checked) {
    const [record] = readLeg(leg, isTzBugged)
    const truth = instantFromMs(leg.scheduledInMs + (leg.arrivalDelayMin ?? 0) * MINUTE_MS)
    if (record?.isTimeAmbiguous === true) unread += 1
    else if (record?.actualIn !== truth) wrong.push(`${leg.carrier}${leg.flightNumber} ${truth}`)
  }
  expect(wrong).toEqual([])
  // No clock showed an hour twice that night.
  expect(unread).toBe(0)
})
