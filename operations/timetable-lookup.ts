/** Finds the operating leg of a row in the provider's timetable, once per leg and run. */
import { setTimeout as delay } from 'node:timers/promises'

import { legKey } from '../domain/leg.ts'
import type { LegIdentity, LegKey } from '../domain/leg.ts'
import type { PolicyColumn } from '../domain/policy-row.ts'
import type {
  FlightDataProvider,
  ProviderResult,
  ScheduledLeg,
} from '../domain/ports/flight-data-provider.ts'
import { SECOND_MS } from '../domain/time.ts'
import { timetableLegs } from '../domain/timetable-watch.ts'
import { forEachConcurrently } from './bounded-concurrency.ts'

/** The timetable's leg for a row, or why there is none. */
export type LookedUpLeg =
  | { readonly ok: true; readonly leg: ScheduledLeg }
  | { readonly ok: false; readonly field: PolicyColumn; readonly reason: string }

// Providers allow 5 to 100 requests a second; the adapter's own rate limit is what holds them back.
const LOOKUP_CONCURRENCY = 32
const MAX_TRIES = 3
const RETRY_AFTER_MS = SECOND_MS
// A provider may name an hour; a re-import costs less than a file that hangs that long.
const LONGEST_WAIT_MS = 10 * SECOND_MS
// About 50 MB; a book has a few thousand legs a day.
const REMEMBERED_LEGS = 50_000

/** One run's memory of look-ups. */
export class TimetableLookup {
  readonly #flightData: FlightDataProvider
  readonly #signal: AbortSignal | undefined
  readonly #known = new Map<LegKey, LookedUpLeg>()

  constructor(flightData: FlightDataProvider, signal?: AbortSignal) {
    this.#flightData = flightData
    this.#signal = signal
  }

  /**
   * Looks up the legs not known yet and returns all that were asked for. Failures are values, kept for
   * the run like answers; a failure that may pass is tried three times. Throws only on cancellation.
   */
  async find(identities: readonly LegIdentity[]): Promise<ReadonlyMap<LegKey, LookedUpLeg>> {
    const found = new Map<LegKey, LookedUpLeg>()
    const missing = new Map<LegKey, LegIdentity>()
    for (const identity of identities) {
      const key = legKey(identity)
      const known = this.#known.get(key)
      if (known === undefined) missing.set(key, identity)
      else found.set(key, known)
    }
    const options = { concurrency: LOOKUP_CONCURRENCY, signal: this.#signal }
    await forEachConcurrently([...missing], options, async ([key, identity]) => {
      const lookedUp = pick(identity, await this.#ask(identity))
      if (this.#known.size >= REMEMBERED_LEGS) this.#known.clear()
      this.#known.set(key, lookedUp)
      found.set(key, lookedUp)
    })
    return found
  }

  async #ask(identity: LegIdentity): Promise<ProviderResult<ScheduledLeg[]>> {
    for (let tries = 1; ; tries += 1) {
      const result = await this.#flightData.findScheduled(identity, this.#signal)
      if (result.ok || !result.isRetryable || tries === MAX_TRIES) return result
      const waitMs = Math.min(result.retryAfterMs ?? tries * RETRY_AFTER_MS, LONGEST_WAIT_MS)
      await delay(waitMs, undefined, this.#signal === undefined ? {} : { signal: this.#signal })
    }
  }
}

function pick(identity: LegIdentity, result: ProviderResult<ScheduledLeg[]>): LookedUpLeg {
  if (!result.ok && result.kind === 'NOT_FOUND') return noSuchLeg(identity)
  if (!result.ok) {
    return { ok: false, field: 'flight_number', reason: `provider unavailable: ${result.message}` }
  }
  const legs = timetableLegs(identity, result.value)
  const [leg] = legs
  if (leg === undefined) return noSuchLeg(identity)
  if (legs.length > 1) {
    const reason = `is ambiguous: the provider has ${legs.length} such legs on ${identity.originLocalDate}`
    return { ok: false, field: 'flight_number', reason }
  }
  if (leg.scheduledIn <= leg.scheduledOut) {
    const reason = 'the provider has the leg arriving before it departs'
    return { ok: false, field: 'flight_number', reason }
  }
  return { ok: true, leg }
}

function noSuchLeg(identity: LegIdentity): LookedUpLeg {
  const reason = `no such leg at the provider: ${legKey(identity)}`
  return { ok: false, field: 'flight_number', reason }
}
