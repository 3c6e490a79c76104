/**
 * The flight server's fault switches. Faults of an answer hit a designator and window, faults of a
 * leg's records hit the leg. A switch holds for both dialects unless it names one.
 */
import type { PackLeg } from '../../domain/leg-pack.ts'
import type { ProviderLeg } from '../../domain/ports/flight-data-provider.ts'
import { MINUTE_MS, toMs } from '../../domain/time.ts'
import { createFaultPlan, type FaultPlan } from '../faults.ts'
import type { Answer, Reply } from '../http-server.ts'
import { RECORD_CHANGE_FAULTS, RECORD_CHANGES } from '../../domain/simulation/record-faults.ts'

/** The services that the server imitates. */
const DIALECTS = ['aeroapi', 'aviationstack'] as const
export type Dialect = (typeof DIALECTS)[number]

/** Faults of a whole answer, in the order in which they are tried. */
export const ANSWER_FAULTS = [
  'timeout',
  'reset',
  '500',
  '429',
  '200+error',
  'html',
  'truncated',
] as const

/** Faults of how an answer is written. */
const WRITING_FAULTS = [
  /** One record a page. */
  'paginate',
  /** Delay figures in the other dialect's unit: minutes for AeroAPI, seconds for aviationstack. */
  'secondsMinutes',
  /** aviationstack alone: local times labelled as UTC. On unless set; `{"rate": 0}` turns it off. */
  'tzBug',
] as const

/** aviationstack alone: what the plan of every key does not include. None set: it includes everything. */
const PLAN_FAULTS = [
  'planWithoutFlights',
  'planWithoutPast',
  'planWithoutFuture',
  'planWithoutHttps',
] as const

export const RECORD_FAULTS = [
  /** Shown as of `minutes` (default 120) ago. */
  'stale',
  ...RECORD_CHANGE_FAULTS,
] as const

/** Every switch that the server knows. */
export const FLIGHT_FAULTS = [
  ...ANSWER_FAULTS,
  ...WRITING_FAULTS,
  ...PLAN_FAULTS,
  ...RECORD_FAULTS,
] as const
export type FlightFault = (typeof FLIGHT_FAULTS)[number]
export type FlightFaultPlan = FaultPlan<FlightFault>

const DEFAULT_STALE_MIN = 120

/** No fault set. */
export function createFlightFaults(seed: number): FlightFaultPlan {
  return createFaultPlan<FlightFault>(FLIGHT_FAULTS, seed, DIALECTS)
}

/** A leg as a faulty provider shows it. `view` is the honest view at a moment. */
export function viewWithFaults(input: {
  readonly plan: FlightFaultPlan
  readonly dialect: Dialect
  readonly subject: string
  readonly leg: PackLeg
  readonly nowMs: number
  readonly view: (atMs: number) => ProviderLeg[]
}): ProviderLeg[] {
  const { plan, dialect, subject, leg, view } = input
  if (!plan.isActive) return view(input.nowMs)
  const stale = plan.hits('stale', subject, dialect)
  const staleMs = stale === null ? 0 : (stale.minutes ?? DEFAULT_STALE_MIN) * MINUTE_MS
  const nowMs = input.nowMs - staleMs
  let records = view(nowMs)
  for (const name of RECORD_CHANGE_FAULTS) {
    const fault = plan.hits(name, subject, dialect)
    if (fault !== null) records = RECORD_CHANGES[name]({ records, leg, nowMs, fault, view })
  }
  return records
}

/** Whether aviationstack writes this leg's times as local ones under a UTC label. */
export function isTzBugged(plan: FlightFaultPlan, subject: string): boolean {
  return !plan.isSet('tzBug') || plan.hits('tzBug', subject, 'aviationstack') !== null
}

/** What each dialect writes when it fails. */
const BODIES: Record<Dialect, Record<'500' | '429' | '200+error' | 'truncated', Answer>> = {
  aeroapi: {
    '500': {
      status: 500,
      body: '{"title":"Internal error","reason":"SERVER_ERROR","status":500}',
    },
    // As the real service: no Retry-After, no code worth a name.
    '429': { status: 429, body: '{"title":"Too many requests","reason":"","status":429}' },
    '200+error': {
      status: 200,
      body: '{"title":"Internal error","reason":"SERVER_ERROR","status":500}',
    },
    truncated: { status: 200, body: '{"links":null,"num_pages":1,"flights":[{"ident":"JBU3' },
  },
  aviationstack: {
    '500': {
      status: 500,
      body: '{"error":{"code":"internal_error","message":"An internal error occurred."}}',
    },
    '429': {
      status: 429,
      body: '{"error":{"code":"rate_limit_reached","message":"Too many requests."}}',
    },
    '200+error': {
      status: 200,
      body: '{"error":{"code":"rate_limit_reached","message":"Too many requests."}}',
    },
    truncated: { status: 200, body: '{"pagination":{"limit":100,"offset":0},"data":[{"flight_da' },
  },
}

/** The broken answer that hits this request, or null for an honest one. */
export function brokenReply(
  plan: FlightFaultPlan,
  subject: string,
  dialect: Dialect,
): Reply | null {
  if (!plan.isActive) return null
  const fault = ANSWER_FAULTS.find((name) => plan.hits(name, subject, dialect) !== null)
  switch (fault) {
    case undefined:
      return null
    case 'timeout':
      return 'hang'
    case 'reset':
      return 'reset'
    case 'html':
      return {
        status: 200,
        body: '<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>',
        contentType: 'text/html',
      }
    default:
      return BODIES[dialect][fault]
  }
}

/** Newest scheduled departure first, as the real service lists them; unknown ones last. */
export function newestFirst<T extends { readonly record: ProviderLeg }>(shown: readonly T[]): T[] {
  const outMs = ({ record: { scheduledOut } }: T) =>
    scheduledOut === null ? 0 : toMs(scheduledOut)
  return shown.toSorted((a, b) => outMs(b) - outMs(a))
}
