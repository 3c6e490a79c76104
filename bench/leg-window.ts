/**
 * The legs of the benchmark: real timetables of February 2013, six pairs of days laid over one pair, so
 * that 10,000 legs are in the window at once. Delays of the legs that decide are set, not real.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

import type { LegPack, PackLeg } from '../domain/leg-pack.ts'
import { packLegIdentity, parseLegPack } from '../domain/leg-pack.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../domain/time.ts'

const REAL_FLIGHTS = new URL('../data/nyc2013-h1.legs.txt.gz', import.meta.url)

/** Noon in New York on the second of the two days. */
export const TICK_AT_MS = Date.parse('2013-02-09T17:00:00Z')

const WINDOW_FROM_MS = TICK_AT_MS - 18 * HOUR_MS
const WINDOW_TO_MS = TICK_AT_MS + 30 * HOUR_MS
const LAYER_MS = 2 * DAY_MS
/** Flight numbers have four digits in the data; the fifth tells the layers apart. */
const LAYERS = 9
const LAYER_NUMBER = 10_000

/** Late enough for the top tier of every product, on time for none. */
const LATE_MIN = 200
const PUNCTUAL_MIN = 4

export type BenchLegs = {
  readonly pack: LegPack
  /** Indexes into the pack's legs, by what the ticks are to find. */
  readonly arrivedOnTime: readonly number[]
  readonly arrivedLate: readonly number[]
  readonly notArrived: readonly number[]
}

/** `size` legs; of those `onTime` have arrived punctually and `late` 200 minutes late by the tick. */
export function layLegs(input: { size: number; onTime: number; late: number }): BenchLegs {
  const real = parseLegPack(gunzipSync(readFileSync(REAL_FLIGHTS)).toString('utf8'))
  const legs = spread(overlay(real), input.size).map(undisturbed)
  const arrivedBy = (leg: PackLeg, hours: number): boolean =>
    leg.scheduledInMs < TICK_AT_MS - hours * HOUR_MS
  const indexes = legs.map((_, index) => index)
  // The late ones arrive 200 minutes after the timetable, an hour before the first look at them.
  const arrived = indexes.filter((index) => arrivedBy(at(legs, index), 6))
  if (arrived.length < input.onTime + input.late) {
    throw new RangeError(`only ${arrived.length} legs have arrived by the tick`)
  }
  const arrivedLate = arrived.slice(0, input.late)
  for (const index of arrivedLate) {
    legs[index] = { ...at(legs, index), arrivalDelayMin: LATE_MIN, departureDelayMin: LATE_MIN }
  }
  return {
    pack: { ...real, legs },
    arrivedLate,
    arrivedOnTime: arrived.slice(input.late, input.late + input.onTime),
    notArrived: indexes.filter((index) => !arrivedBy(at(legs, index), 0)),
  }
}

function at(legs: readonly PackLeg[], index: number): PackLeg {
  const leg = legs[index]
  if (leg === undefined) throw new RangeError(`no leg ${index}`)
  return leg
}

/** The legs of the window and of the pairs of days after it, all in the window. */
function overlay(real: LegPack): PackLeg[] {
  const seen = new Set<string>()
  const laid: PackLeg[] = []
  for (let layer = 0; layer < LAYERS; layer += 1) {
    for (const leg of real.legs) {
      const scheduledOutMs = leg.scheduledOutMs - layer * LAYER_MS
      if (scheduledOutMs < WINDOW_FROM_MS || scheduledOutMs >= WINDOW_TO_MS) continue
      const flightNumber = String(Number.parseInt(leg.flightNumber, 10) + layer * LAYER_NUMBER)
      const scheduledInMs = leg.scheduledInMs - layer * LAYER_MS
      const moved = { ...leg, flightNumber, scheduledOutMs, scheduledInMs }
      const key = Object.values(packLegIdentity(moved, real.zones)).join('|')
      if (seen.has(key)) continue
      seen.add(key)
      laid.push(moved)
    }
  }
  return laid.toSorted((a, b) => a.scheduledOutMs - b.scheduledOutMs)
}

/** `size` of the legs, evenly over the window. */
function spread(legs: readonly PackLeg[], size: number): PackLeg[] {
  if (legs.length < size) throw new RangeError(`only ${legs.length} legs in the window`)
  const step = legs.length / size
  return Array.from({ length: size }, (_, index) => at(legs, Math.floor(index * step)))
}

function undisturbed(leg: PackLeg): PackLeg {
  const longest = 20 * HOUR_MS
  if (leg.scheduledInMs - leg.scheduledOutMs > longest) {
    throw new RangeError(`leg ${leg.carrier}${leg.flightNumber} takes longer than a day's work`)
  }
  return { ...leg, status: 'A', departureDelayMin: PUNCTUAL_MIN, arrivalDelayMin: PUNCTUAL_MIN }
}

/** The moment of the first look: early enough that an arrival is confirmed by the tick. */
export const FIRST_LOOK_AT_MS = TICK_AT_MS - 25 * MINUTE_MS
