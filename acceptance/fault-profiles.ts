/**
 * What the flight-data server is told to do wrong in a run: each switch alone, and a mixture. Rates are
 * such that a fault hits every leg that it can, unless no rule could decide a leg that it hit.
 */
import type { FaultSwitch } from '../simulator/faults.ts'
import type { FlightFault } from '../simulator/flights/flight-faults.ts'

/** Switches as `POST /__faults` takes them. */
export type Switches = Readonly<Partial<Record<FlightFault, Partial<FaultSwitch>>>>

/** A fault as a run sets it. */
export type FaultProfile = {
  readonly name: string
  readonly switches: Switches
  /** Only in the first `forMin` of every `everyMin` minutes of virtual time; absent: all the time. */
  readonly outage?: { readonly everyMin: number; readonly forMin: number }
}

/** Nobody gets an answer for half an hour of every three. */
const OUTAGE = { everyMin: 180, forMin: 30 }

/** Answers that are wrong for good on one leg in fifty. */
const FEW = 0.02

const SINGLE: Readonly<Record<FlightFault, Omit<FaultProfile, 'name'>>> = {
  // Each request lasts as long as the client waits.
  timeout: { switches: { timeout: { rate: FEW } }, outage: OUTAGE },
  reset: { switches: { reset: {} }, outage: OUTAGE },
  '500': { switches: { '500': {} }, outage: OUTAGE },
  '429': { switches: { '429': {} }, outage: OUTAGE },
  '200+error': { switches: { '200+error': {} }, outage: OUTAGE },
  html: { switches: { html: {} }, outage: OUTAGE },
  truncated: { switches: { truncated: {} }, outage: OUTAGE },
  paginate: { switches: { paginate: {} } },
  secondsMinutes: { switches: { secondsMinutes: {} } },
  tzBug: { switches: { tzBug: {} } },
  // The second source knows less, or nothing.
  planWithoutFlights: { switches: { planWithoutFlights: {} } },
  planWithoutPast: { switches: { planWithoutPast: {} } },
  planWithoutFuture: { switches: { planWithoutFuture: {} } },
  planWithoutHttps: { switches: { planWithoutHttps: {} } },
  // An old snapshot between good ones: more of a trap than one that is always old.
  stale: { switches: { stale: { minutes: 120 } }, outage: { everyMin: 90, forMin: 30 } },
  late: { switches: { late: { minutes: 90 } } },
  correction: { switches: { correction: { rate: 0.2, dialect: 'aeroapi' } } },
  // No rule says which of two sources is right: what it moves across a tier goes to people, a sixth of
  // the legs that it hits, a quarter in a stormy week.
  conflict: { switches: { conflict: { rate: 0.05, dialect: 'aeroapi' } } },
  retime: { switches: { retime: {} } },
  divertNoElsewhere: { switches: { divertNoElsewhere: {} } },
  divertOtherId: { switches: { divertOtherId: {} } },
  divertUnflagged: { switches: { divertUnflagged: {} } },
  divertOriginalGone: { switches: { divertOriginalGone: {} } },
  reinstate: { switches: { reinstate: {} } },
  cancelFlagWithoutCancel: { switches: { cancelFlagWithoutCancel: {} } },
  sameNumberOtherDates: { switches: { sameNumberOtherDates: {} } },
  dupRecords: { switches: { dupRecords: {} } },
  // Whoever never hears of a leg can only ask people.
  vanish: { switches: { vanish: { rate: 0.01 } } },
}

/** Both services fail to answer at times. */
const FAILING = {
  timeout: { rate: 0.002, times: 2 },
  reset: { rate: 0.05, times: 3 },
  '500': { rate: 0.1, times: 3 },
  '429': { rate: 0.1, times: 3 },
  '200+error': { rate: 0.05, times: 3 },
  html: { rate: 0.05, times: 3 },
  truncated: { rate: 0.05, times: 3 },
} as const satisfies Switches

/** Records that say too much, too little or the same twice. */
const MISLEADING = {
  paginate: { rate: 0.1 },
  secondsMinutes: { rate: 0.1 },
  stale: { rate: 0.05, minutes: 45 },
  late: { rate: 0.05, minutes: 90 },
  retime: { rate: 0.05 },
  divertNoElsewhere: { rate: 0.2 },
  divertOtherId: { rate: 0.2 },
  divertUnflagged: { rate: 0.2 },
  reinstate: { rate: 0.05 },
  cancelFlagWithoutCancel: { rate: 0.05 },
  sameNumberOtherDates: { rate: 0.1 },
  dupRecords: { rate: 0.1 },
  vanish: { rate: 0.002 },
} as const satisfies Switches

/** What one source alone cannot see through. */
const WRONG = { correction: { rate: 0.01 }, conflict: { rate: 0.01 } } as const satisfies Switches

/** Of the first source alone: what two say alike and wrong, no rule finds. */
function ofFirstSource(switches: Switches): Switches {
  return Object.fromEntries(
    Object.entries(switches).map(([name, one]) => [name, { ...one, dialect: 'aeroapi' }]),
  )
}

const MIXED: Switches = { ...FAILING, ...ofFirstSource({ ...MISLEADING, ...WRONG }) }

/** No fault at all. */
export const CLEAN: FaultProfile = { name: 'none', switches: {} }

/** Every profile that can be asked for, by name. */
export const PROFILES: ReadonlyMap<string, FaultProfile> = new Map(
  [
    CLEAN,
    ...Object.entries(SINGLE).map(([name, profile]) => ({ name, ...profile })),
    { name: 'mixed', switches: MIXED },
    { name: 'mixed-one-source', switches: { ...FAILING, ...MISLEADING } },
  ].map((profile) => [profile.name, profile]),
)

/** The names of `LIST`: names joined by commas, `all` for each switch alone. Throws RangeError. */
export function profilesOf(list: string): FaultProfile[] {
  return list.split(',').flatMap((part) => {
    const name = part.trim()
    if (name === 'all') return Object.keys(SINGLE).flatMap((single) => PROFILES.get(single) ?? [])
    const found = PROFILES.get(name)
    if (found === undefined) {
      throw new RangeError(`no fault ${name}: all, ${[...PROFILES.keys()].join(', ')}`)
    }
    return [found]
  })
}

/** The switches that are on at a moment of virtual time. */
export function switchesAt(profile: FaultProfile, atMs: number): Switches {
  const { outage, switches } = profile
  if (outage === undefined) return switches
  const minute = Math.floor(atMs / 60_000) % outage.everyMin
  return minute < outage.forMin ? switches : {}
}
