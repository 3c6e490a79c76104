/** A provider's answer as it is stored: the records that matter for one leg, in an order of their own. */
import type { WatchedLeg } from '../domain/leg-facts.ts'
import { matchLeg } from '../domain/leg-match.ts'
import type { ProviderAnswer, ProviderLeg } from '../domain/ports/flight-data-provider.ts'
import type { NewObservation } from '../domain/ports/leg-store.ts'
import { DAY_MS, msBetween } from '../domain/time.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'

/** A record that may carry the flight on departs within this time of the leg. */
const SIBLING_MS = DAY_MS

/** What is kept of an answer; `knownIds` are the provider's ids of the leg before it. */
export function observationOf(
  provider: string,
  leg: WatchedLeg,
  knownIds: readonly string[],
  answer: ProviderAnswer<ProviderLeg[]>,
  flags: readonly string[],
): NewObservation {
  const norm = canonicalJson(relevantRecords(leg, knownIds, answer.value))
  const { httpStatus, payloadSha256 } = answer
  return { provider, httpStatus, payloadSha256, normSha256: sha256(norm), norm, flags }
}

function relevantRecords(
  leg: WatchedLeg,
  knownIds: readonly string[],
  records: readonly ProviderLeg[],
): ProviderLeg[] {
  // Kept although nothing follows from it: people see why the source had no say.
  const unsure = records.filter(
    (record) => record.isTimeAmbiguous === true && isOfRoute(leg, record),
  )
  const match = matchLeg(leg, records, knownIds)
  if (match.kind === 'none') return inOrder(unsure)
  if (match.kind === 'ambiguous' || match.hasUnclearContinuation) {
    return inOrder(records.filter((record) => isNear(leg, record)))
  }
  const { original, diversions, continuation } = match
  const found = [original, ...diversions, continuation].filter((record) => record !== null)
  return inOrder([...found, ...unsure])
}

function isOfRoute({ identity }: WatchedLeg, { origin, destination }: ProviderLeg): boolean {
  return origin === identity.origin && destination === identity.destination
}

function isNear(leg: WatchedLeg, record: ProviderLeg): boolean {
  const departure = record.scheduledOut ?? record.estimatedOut ?? record.actualOut
  return departure === null || Math.abs(msBetween(leg.scheduledOut, departure)) <= SIBLING_MS
}

function inOrder(records: readonly ProviderLeg[]): ProviderLeg[] {
  return records
    .map((record) => ({ record, text: canonicalJson(record) }))
    .toSorted((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ record }) => record)
}
