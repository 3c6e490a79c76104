/** Whether a leg may be insured now, by what the provider says at this moment. */
import { emptyFacts, foldAnswer } from '../domain/leg-facts.ts'
import type { WatchedLeg } from '../domain/leg-facts.ts'
import { legKey } from '../domain/leg.ts'
import type { LegIdentity } from '../domain/leg.ts'
import type { FlightDataProvider, ScheduledLeg } from '../domain/ports/flight-data-provider.ts'
import type { Instant } from '../domain/time.ts'
import { factsRefusal, scheduleRefusal } from '../domain/underwriting.ts'
import type { Refusal } from '../domain/underwriting.ts'
import { TimetableLookup } from './timetable-lookup.ts'

/** The provider did not answer: nothing is known for or against the leg; ask again later. */
export class ProviderSilentError extends Error {
  override readonly name = 'ProviderSilentError'
  readonly code = 'PROVIDER_SILENT'
}

/** The operating leg of what was sold, or why it is not for sale. */
export type LegForSale =
  | { readonly ok: true; readonly leg: ScheduledLeg }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * Looks a leg up in the timetable and, where the provider follows it already, in its status. With
 * `quoted`, the schedule must still be that one. Throws ProviderSilentError when there is no answer.
 */
export async function findLegForSale(
  flightData: FlightDataProvider,
  sold: LegIdentity,
  now: Instant,
  options: { readonly quoted?: ScheduledLeg; readonly signal?: AbortSignal } = {},
): Promise<LegForSale> {
  const legs = await new TimetableLookup(flightData, options.signal).find([sold])
  const found = legs.get(legKey(sold))
  if (found === undefined || !found.ok) {
    const reason = found === undefined ? 'no such leg at the provider' : found.reason
    if (reason.startsWith('provider unavailable')) throw new ProviderSilentError(reason)
    return { ok: false, refusal: { code: 'NO_SUCH_LEG', field: 'flight_number', reason } }
  }
  const { leg } = found
  const refusal =
    scheduleRefusal(leg, options.quoted) ??
    (await statusRefusal(flightData, watchedLeg(leg, sold), leg.providerIdent, now, options.signal))
  return refusal === null ? { ok: true, leg } : { ok: false, refusal }
}

function watchedLeg(leg: ScheduledLeg, sold: LegIdentity): WatchedLeg {
  const { carrier, flightNumber, origin, destination } = leg
  const { originZone, destinationZone, scheduledOut, scheduledIn } = leg
  const { originLocalDate } = sold
  const identity = { carrier, flightNumber, origin, destination, originLocalDate }
  return { identity, originZone, destinationZone, scheduledOut, scheduledIn }
}

async function statusRefusal(
  flightData: FlightDataProvider,
  leg: WatchedLeg,
  providerIdent: string,
  now: Instant,
  signal: AbortSignal | undefined,
): Promise<Refusal | null> {
  const { identity, scheduledOut, scheduledIn } = leg
  const reference = { identity, providerIdent, scheduledOut, scheduledIn }
  const answer = await flightData.getStatus(reference, signal)
  if (answer.ok) {
    return factsRefusal(leg, foldAnswer(emptyFacts(), leg, answer.value, now).facts)
  }
  // More than two days ahead there is a timetable and no status: nothing is known against the leg.
  if (answer.kind === 'NOT_FOUND') return null
  throw new ProviderSilentError(`provider unavailable: ${answer.message}`)
}
