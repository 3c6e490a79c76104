/**
 * Two providers of one real leg, with faults: which records each shows at a moment, or that it gives no
 * answer. Deterministic in leg, moment, seed and faults.
 */
import type { PackLeg } from '../leg-pack.ts'
import type { ProviderLeg } from '../ports/flight-data-provider.ts'
import { HOUR_MS, MINUTE_MS } from '../time.ts'
import { viewTimeline } from './provider-view.ts'
import { drawsOf } from './random.ts'
import { RECORD_CHANGE_FAULTS, RECORD_CHANGES, type FaultSize } from './record-faults.ts'
import { asSecond, secondLagMs } from './second-view.ts'
import type { LegTimeline } from './timeline.ts'

/** Faults that a simulated provider can have. */
export const PROVIDER_FAULTS = [
  /** Shown as of `minutes` (default 120) ago. */
  'stale',
  ...RECORD_CHANGE_FAULTS,
  /** Half of all hours without an answer. */
  'outage',
  /** Of the second source: times whose instants are not proven. */
  'unprovenTimes',
  /** Of the second source: touch-downs in place of gate arrivals. */
  'runwayArrival',
  /** Of the second source: an incident is reported. */
  'incident',
] as const

/** Faults that only a second source has. */
export const SECOND_ALONE: ReadonlySet<ProviderFaultName> = new Set([
  'unprovenTimes',
  'runwayArrival',
  'incident',
])

export type ProviderFaultName = (typeof PROVIDER_FAULTS)[number]

/** One fault, of which provider, and of what share of legs. */
export type ProviderFault = FaultSize & {
  readonly name: ProviderFaultName
  readonly of: 'first' | 'second' | 'both'
  /** Share of legs hit, 0 to 1. */
  readonly rate: number
}

/** What a provider shows at a moment; null: no answer. */
export type Show = (nowMs: number) => ProviderLeg[] | null

const DEFAULT_STALE_MIN = 120

/** The two providers of a leg. */
export function providersOf(
  timeline: LegTimeline,
  faults: readonly ProviderFault[],
  seed: number,
): { readonly first: Show; readonly second: Show } {
  const { leg } = timeline
  const lagMs = secondLagMs(leg, seed)
  const first = (nowMs: number) => viewTimeline(timeline, nowMs)
  const second = (nowMs: number) => viewTimeline(timeline, nowMs - lagMs)
  const faultsOf = (provider: 'first' | 'second') =>
    faults.filter(
      (fault) => (fault.of === provider || fault.of === 'both') && isHit(fault, leg, seed),
    )
  const ofSecond = faultsOf('second')
  const showSecond = faulty(leg, ofSecond, second, seed)
  return {
    first: faulty(leg, faultsOf('first'), first, seed),
    second: (nowMs) => {
      const records = showSecond(nowMs)
      return records === null ? null : changeSecond(asSecond(records, leg), ofSecond)
    },
  }
}

function nameOf(leg: PackLeg): string {
  return `${leg.carrier}|${leg.flightNumber}|${leg.origin}|${leg.destination}|${leg.scheduledOutMs}`
}

function isHit(fault: ProviderFault, leg: PackLeg, seed: number): boolean {
  return drawsOf(`fault|${fault.name}|${nameOf(leg)}`, seed)() < fault.rate
}

function faulty(
  leg: PackLeg,
  faults: readonly ProviderFault[],
  view: (atMs: number) => ProviderLeg[],
  seed: number,
): Show {
  if (faults.length === 0) return view
  const sizes = new Map(faults.map((fault) => [fault.name, fault]))
  const stale = sizes.get('stale')
  const staleMs = stale === undefined ? 0 : (stale.minutes ?? DEFAULT_STALE_MIN) * MINUTE_MS
  return (nowMs) => {
    const hour = Math.floor(nowMs / HOUR_MS)
    if (sizes.has('outage') && drawsOf(`outage|${nameOf(leg)}|${hour}`, seed)() < 0.5) return null
    const shownMs = nowMs - staleMs
    let records = view(shownMs)
    for (const name of RECORD_CHANGE_FAULTS) {
      const fault = sizes.get(name)
      if (fault === undefined) continue
      records = RECORD_CHANGES[name]({ records, leg, nowMs: shownMs, fault, view })
    }
    return records
  }
}

function changeSecond(records: ProviderLeg[], faults: readonly ProviderFault[]): ProviderLeg[] {
  let changed = records
  for (const { name } of faults) {
    if (name === 'unprovenTimes') changed = changed.map(withoutTimes)
    if (name === 'incident') changed = changed.map((record) => ({ ...record, isIncident: true }))
    if (name === 'runwayArrival') {
      changed = changed.map((record) => ({
        ...record,
        actualIn: record.actualIn === null ? null : record.actualOn,
      }))
    }
  }
  return changed
}

function withoutTimes(record: ProviderLeg): ProviderLeg {
  return {
    ...record,
    scheduledOut: null,
    scheduledIn: null,
    estimatedOut: null,
    estimatedIn: null,
    actualOut: null,
    actualOff: null,
    actualOn: null,
    actualIn: null,
    isTimeAmbiguous: true,
  }
}
