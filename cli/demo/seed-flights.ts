/**
 * The legs of a seeded year: real flights of the shipped half year, moved by whole weeks, and a flight-data
 * source that shows them as they really went. In memory; the legs of the last days only.
 */
import { createHash } from 'node:crypto'

import type { LegPack, PackLeg } from '../../domain/leg-pack.ts'
import { packLegIdentity } from '../../domain/leg-pack.ts'
import { legKey, type LegIdentity, type LegKey } from '../../domain/leg.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type {
  FlightDataProvider,
  ProviderLeg,
  ScheduledLeg,
} from '../../domain/ports/flight-data-provider.ts'
import { viewTimeline } from '../../domain/simulation/provider-view.ts'
import { drawsOf } from '../../domain/simulation/random.ts'
import { timelineOf, type LegTimeline } from '../../domain/simulation/timeline.ts'
import { addMs, DAY_MS, HOUR_MS, instantFromMs, MINUTE_MS, toMs } from '../../domain/time.ts'

/** One leg of the year. */
export type SeedLeg = {
  readonly identity: LegIdentity
  readonly key: LegKey
  readonly scheduled: ScheduledLeg
}

export type SeedFlights = {
  /** `size` legs that leave on the UTC day that begins at `dayMs`; asked for days in their order. */
  readonly legsOf: (dayMs: number, size: number) => SeedLeg[]
  /** Shows the legs of the days asked for last, as of the clock. */
  readonly provider: Pick<FlightDataProvider, 'id' | 'getStatus'>
}

/** The pack has 181 days: whole weeks of it, so that a weekday's flights stay on their weekday. */
const CYCLE_MS = 25 * 7 * DAY_MS

/** A leg is looked at for the last time some three days after it left. */
const SHOWN_DAYS = 6

/** One in so many is amended after most have been decided, by so many minutes at most. */
const AMENDED = 2
const AMENDED_BY_MIN = 20
const AMENDED_AFTER_MS = 40 * HOUR_MS

/** Draws that may hit a leg already taken; a day of the pack has some 900. */
const DRAWS_PER_LEG = 20

/** The flights over a pack. The same seed picks the same legs. */
export function createSeedFlights(pack: LegPack, seed: number, clock: Clock): SeedFlights {
  const days = Map.groupBy(pack.legs, ({ scheduledOutMs }) => dayOf(scheduledOutMs))
  const firstDayMs = Math.min(...days.keys())
  const taken = new Set<LegKey>()
  const shown = new Map<LegKey, ShownLeg>()

  function legsOf(dayMs: number, size: number): SeedLeg[] {
    for (const [key, { dayMs: shownMs }] of shown) {
      if (shownMs < dayMs - SHOWN_DAYS * DAY_MS) shown.delete(key)
    }
    const offsetMs = modulo(dayMs - firstDayMs, CYCLE_MS)
    const candidates = days.get(firstDayMs + offsetMs) ?? []
    const shiftMs = dayMs - firstDayMs - offsetMs
    const draw = drawsOf(`legs|${dayMs}`, seed)
    const legs: SeedLeg[] = []
    for (let n = 0; n < size * DRAWS_PER_LEG && legs.length < size; n += 1) {
      const drawn = candidates[Math.floor(draw() * candidates.length)]
      if (drawn === undefined) break
      const packLeg = shifted(drawn, shiftMs)
      const leg = seedLeg(packLeg, pack.zones)
      if (taken.has(leg.key)) continue
      taken.add(leg.key)
      const amendedMin = draw() * AMENDED < 1 ? Math.round((draw() * 2 - 1) * AMENDED_BY_MIN) : 0
      shown.set(leg.key, { dayMs, timeline: timelineOf(packLeg, pack.zones, seed), amendedMin })
      legs.push(leg)
    }
    return legs
  }

  return {
    legsOf,
    provider: {
      // The source that a running instance asks about the same legs afterwards.
      id: 'aeroapi',
      async getStatus({ identity }) {
        const known = shown.get(legKey(identity))
        const nowMs = toMs(await clock.now())
        const value = known === undefined ? [] : viewOf(known, nowMs)
        const payloadSha256 = createHash('sha256').update(JSON.stringify(value)).digest('hex')
        return { ok: true, value, httpStatus: 200, payloadSha256, units: 1 }
      },
    },
  }
}

type ShownLeg = {
  readonly dayMs: number
  readonly timeline: LegTimeline
  /** By how much its arrival is amended once it was decided. */
  readonly amendedMin: number
}

function viewOf({ dayMs, timeline, amendedMin }: ShownLeg, nowMs: number): ProviderLeg[] {
  const records = viewTimeline(timeline, nowMs)
  if (nowMs < dayMs + AMENDED_AFTER_MS) return records
  return records.map((record) =>
    record.actualIn === null
      ? record
      : { ...record, actualIn: addMs(record.actualIn, amendedMin * MINUTE_MS) },
  )
}

function shifted(leg: PackLeg, shiftMs: number): PackLeg {
  const { scheduledOutMs, scheduledInMs } = leg
  return {
    ...leg,
    scheduledOutMs: scheduledOutMs + shiftMs,
    scheduledInMs: scheduledInMs + shiftMs,
  }
}

function seedLeg(leg: PackLeg, zones: LegPack['zones']): SeedLeg {
  const identity = packLegIdentity(leg, zones)
  const { carrier, flightNumber, origin, destination } = leg
  return {
    identity,
    key: legKey(identity),
    scheduled: {
      carrier,
      flightNumber,
      origin,
      destination,
      scheduledOut: instantFromMs(leg.scheduledOutMs),
      scheduledIn: instantFromMs(leg.scheduledInMs),
      originZone: zones[origin] ?? 'UTC',
      destinationZone: zones[destination] ?? 'UTC',
      providerIdent: `${carrier}${flightNumber}`,
      marketingIdent: null,
    },
  }
}

function dayOf(ms: number): number {
  return ms - modulo(ms, DAY_MS)
}

/** Never negative. */
function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
