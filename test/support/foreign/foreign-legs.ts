/**
 * Real legs for servers that share nothing with the product: own reading of the pack, own codes, own
 * picture of what a service would show of a leg at a moment.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export type ForeignLeg = {
  readonly carrier: string
  readonly number: string
  readonly origin: string
  readonly destination: string
  readonly outMs: number
  readonly inMs: number
  /** A arrived, C cancelled, R diverted and then arrived, D left the gate and never arrived. */
  readonly status: string
  readonly departureMin: number
  readonly arrivalMin: number
}

/** The legs of a pack that depart from `from` until before `until`. */
export function readForeignLegs(file: string, from: string, until: string): ForeignLeg[] {
  const [header = '{}', ...lines] = gunzipSync(readFileSync(file)).toString('utf8').split('\n')
  const { epoch } = JSON.parse(header) as { epoch: string }
  const [gaps = [], ca, fn, og, de, sb, st, dd, ad] = lines.map((line) => line.split(','))
  const legs: ForeignLeg[] = []
  let outMs = Date.parse(epoch)
  gaps.forEach((gap, i) => {
    outMs += Number(gap) * MINUTE_MS
    if (outMs < Date.parse(from) || outMs >= Date.parse(until)) return
    legs.push({
      carrier: ca?.[i] ?? '',
      number: fn?.[i] ?? '',
      origin: og?.[i] ?? '',
      destination: de?.[i] ?? '',
      outMs,
      inMs: outMs + Number(sb?.[i]) * MINUTE_MS,
      status: st?.[i] ?? '',
      departureMin: Number(dd?.[i] ?? 0),
      arrivalMin: Number(ad?.[i] ?? 0),
    })
  })
  return legs
}

const ICAO_CARRIERS: Readonly<Record<string, string>> = {
  '9E': 'FLG',
  AA: 'AAL',
  AS: 'ASA',
  B6: 'JBU',
  DL: 'DAL',
  EV: 'ASQ',
  F9: 'FFT',
  FL: 'TRS',
  HA: 'HAL',
  MQ: 'EGF',
  QF: 'QFA',
  UA: 'UAL',
  US: 'AWE',
  VX: 'VRD',
  WN: 'SWA',
  YV: 'ASH',
}

const ICAO_AIRPORTS: Readonly<Record<string, string>> = {
  BQN: 'TJBQ',
  HNL: 'PHNL',
  LHR: 'EGLL',
  PSE: 'TJPS',
  SJU: 'TJSJ',
  STT: 'TIST',
  SYD: 'YSSY',
}

export const icaoCarrier = (iata: string): string => ICAO_CARRIERS[iata] ?? `X${iata}`
export const icaoAirport = (iata: string): string => ICAO_AIRPORTS[iata] ?? `K${iata}`

/** What a service shows of one record at a moment; times are epoch ms, null when not known yet. */
export type Shown = {
  readonly id: string
  readonly origin: string
  readonly destination: string
  readonly scheduledOut: number | null
  readonly scheduledIn: number | null
  readonly estimatedOut: number | null
  readonly estimatedIn: number | null
  readonly out: number | null
  readonly off: number | null
  readonly on: number | null
  readonly in: number | null
  readonly cancelled: boolean
  readonly diverted: boolean
  readonly text: string
}

/** How a service tells of cancellations and diversions, and how soon of anything. */
export type Telling = {
  readonly lagMin: number
  readonly cancelled: 'early' | 'after-departure' | 'with-out' | 'vanishes'
  readonly diversion: 'siblings' | 'destination-changed' | 'one-record'
  /** Only the planned record says that it was diverted, every record does, or none. */
  readonly flagged: 'planned' | 'all' | 'none'
  /** The onward record has the id of the first, or one of its own, or no scheduled times. */
  readonly onward: 'own-id' | 'same-id' | 'unscheduled'
  /** Late departures move the scheduled times along. */
  readonly retimes: boolean
  readonly neverArrived: 'diverted' | 'cancelled' | 'out-only'
}

/** All records of a leg at `nowMs`. */
export function showLeg(leg: ForeignLeg, telling: Telling, nowMs: number): Shown[] {
  const plan = asPlanned(leg)
  if (leg.status === 'C') return showCancelled(leg, plan, telling, nowMs)
  const known = (ms: number) => (nowMs >= ms + telling.lagMin * MINUTE_MS ? ms : null)
  const out = leg.outMs + leg.departureMin * MINUTE_MS
  // Known two hours ahead, like a retime that is no longer announced a day before.
  const movedMs =
    telling.retimes && nowMs > leg.outMs - 2 * HOUR_MS ? leg.departureMin * MINUTE_MS : 0
  const left = {
    ...plan,
    scheduledOut: plan.scheduledOut + movedMs,
    scheduledIn: plan.scheduledIn + movedMs,
    out: known(out),
    off: known(out + 12 * MINUTE_MS),
  }
  const arrival = leg.inMs + leg.arrivalMin * MINUTE_MS
  if (leg.status === 'A') {
    const estimated = { estimatedOut: out, estimatedIn: arrival }
    return [{ ...left, ...estimated, on: known(arrival - 6 * MINUTE_MS), in: known(arrival) }]
  }
  if (leg.status === 'R') return showDiverted(leg, left, telling, known, arrival)
  if (telling.neverArrived === 'diverted') return showDiverted(leg, left, telling, known, null)
  const isCancelled = telling.neverArrived === 'cancelled' && known(out + 90 * MINUTE_MS) !== null
  // After push-back: it never took off.
  return [{ ...left, off: null, cancelled: isCancelled, text: 'Taxiing / Left Gate' }]
}

function asPlanned(leg: ForeignLeg): Shown & { scheduledOut: number; scheduledIn: number } {
  return {
    id: `${icaoCarrier(leg.carrier)}${leg.number}-${leg.outMs / 1_000}-airline-0`,
    origin: leg.origin,
    destination: leg.destination,
    scheduledOut: leg.outMs,
    scheduledIn: leg.inMs,
    estimatedOut: leg.outMs,
    estimatedIn: leg.inMs,
    out: null,
    off: null,
    on: null,
    in: null,
    cancelled: false,
    diverted: false,
    text: 'Scheduled',
  }
}

function showCancelled(leg: ForeignLeg, plan: Shown, telling: Telling, nowMs: number): Shown[] {
  const isEarly = telling.cancelled === 'early' || telling.cancelled === 'vanishes'
  const announcedMs = isEarly ? leg.outMs - 3 * HOUR_MS : leg.outMs + 30 * MINUTE_MS
  if (telling.cancelled === 'vanishes' && nowMs > announcedMs + 24 * HOUR_MS) return []
  if (nowMs < announcedMs) return [plan]
  const out = telling.cancelled === 'with-out' ? leg.outMs + 5 * MINUTE_MS : null
  return [{ ...plan, out, cancelled: true, text: 'Cancelled' }]
}

type Known = (ms: number) => number | null

function showDiverted(
  leg: ForeignLeg,
  left: Shown,
  telling: Telling,
  known: Known,
  arrival: number | null,
): Shown[] {
  const out = leg.outMs + leg.departureMin * MINUTE_MS
  const lengthMs = arrival === null ? leg.inMs - leg.outMs : arrival - out
  const landed = out + lengthMs / 2
  if (known(landed) === null) return [left]
  const elsewhere = leg.destination === 'ALB' || leg.origin === 'ALB' ? 'BUF' : 'ALB'
  const flagged = { ...left, diverted: true, text: 'Diverted', estimatedIn: null }
  const there = { on: known(landed - 5 * MINUTE_MS), in: known(landed) }
  if (telling.diversion === 'one-record') {
    if (arrival === null) return [flagged]
    return [{ ...flagged, on: known(arrival - 6 * MINUTE_MS), in: known(arrival) }]
  }
  const planned = { ...flagged, diverted: telling.flagged !== 'none' }
  const away = { ...planned, destination: elsewhere, ...there }
  const onward = arrival === null ? [] : [continued(leg, left, elsewhere, known, arrival)]
  const records = onward.map((record) => ({
    ...record,
    diverted: telling.flagged === 'all',
    ...(telling.onward === 'same-id' ? { id: left.id } : {}),
    ...(telling.onward === 'unscheduled' ? { scheduledOut: null, scheduledIn: null } : {}),
  }))
  if (telling.diversion === 'destination-changed') return [away, ...records]
  return [planned, { ...away, diverted: telling.flagged === 'all' }, ...records]
}

/** The record that carries a diverted flight on to where it was going. */
function continued(
  leg: ForeignLeg,
  left: Shown,
  from: string,
  known: Known,
  arrival: number,
): Shown {
  const out = leg.outMs + leg.departureMin * MINUTE_MS
  const again = out + (arrival - out) * 0.65
  return {
    ...left,
    id: `${left.id}-2`,
    origin: from,
    scheduledOut: again,
    scheduledIn: arrival,
    estimatedOut: again,
    estimatedIn: arrival,
    out: known(again),
    off: known(again + 5 * MINUTE_MS),
    on: known(arrival - 6 * MINUTE_MS),
    in: known(arrival),
    text: 'En Route',
  }
}
