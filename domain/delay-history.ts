/**
 * How legs went in the past, by flight and by route: what a premium is computed from. Text in, lists
 * out; knows no products and no money.
 */
import type { PackLeg } from './leg-pack.ts'

/** What became of the legs of one flight or one route. */
export type DelayRecord = {
  readonly observations: number
  readonly cancelled: number
  /** Left the gate and never came to the destination. */
  readonly notReached: number
  /** Gate arrivals after the scheduled minute, in minutes, ascending. The others were not late. */
  readonly lateMin: readonly number[]
}

/** Past legs that can be looked up. */
export interface DelayHistory {
  /** The first and the last date that it covers, `YYYY-MM-DD`. */
  readonly from: string
  readonly to: string
  /** All legs of an operating carrier's number, whatever the route; null when it has none. */
  ofFlight(carrier: string, flightNumber: string): DelayRecord | null
  /** All legs of an operating carrier between two airports; null when it has none. */
  ofRoute(carrier: string, origin: string, destination: string): DelayRecord | null
}

/** A history that is known as a whole. */
export type WholeDelayHistory = DelayHistory & {
  /** All legs; null when there are none. */
  ofAll(): DelayRecord | null
}

/** The text is not a delay history; the message says where. */
export class DelayHistoryError extends Error {
  override readonly name = 'DelayHistoryError'
}

const FORMAT = 'delays/1'

/** The history of real legs as text: a header line, then a line for each flight on each route. */
export function formatDelayHistory(
  legs: readonly PackLeg[],
  period: { readonly from: string; readonly to: string },
): string {
  const records = new Map<string, { n: number; c: number; d: number; late: number[] }>()
  for (const leg of legs) {
    const key = [leg.carrier, leg.flightNumber, leg.origin, leg.destination].join('|')
    const record = records.get(key) ?? { n: 0, c: 0, d: 0, late: [] }
    records.set(key, record)
    record.n += 1
    if (leg.status === 'C') record.c += 1
    else if (leg.status === 'D') record.d += 1
    else if ((leg.arrivalDelayMin ?? 0) > 0) record.late.push(leg.arrivalDelayMin ?? 0)
  }
  const lines = [...records]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { n, c, d, late }]) => [key, n, c, d, ...late.toSorted((a, b) => a - b)].join(' '))
  const header = JSON.stringify({ format: FORMAT, ...period, legs: legs.length })
  return [header, ...lines, ''].join('\n')
}

/** Reads a history's text. Throws DelayHistoryError naming the line. */
export function parseDelayHistory(text: string): WholeDelayHistory {
  const [header = '', ...lines] = text.split('\n')
  const { from, to } = readHeader(header)
  const flights = new Map<string, DelayRecord[]>()
  const routes = new Map<string, DelayRecord[]>()
  for (const [i, line] of lines.entries()) {
    if (line === '') continue
    const { key, record } = readLine(line, i + 2)
    const [carrier, flightNumber, origin, destination] = key.split('|')
    add(flights, `${carrier}|${flightNumber}`, record)
    add(routes, `${carrier}|${origin}|${destination}`, record)
  }
  return {
    from,
    to,
    ofFlight: (carrier, flightNumber) => merged(flights.get(`${carrier}|${flightNumber}`)),
    ofRoute: (carrier, origin, destination) =>
      merged(routes.get(`${carrier}|${origin}|${destination}`)),
    ofAll: () => merged(flights.size === 0 ? undefined : [...flights.values()].flat()),
  }
}

function readHeader(line: string): { from: string; to: string } {
  try {
    // Checked right below.
    const header = JSON.parse(line) as Record<string, unknown>
    const { format, from, to } = header
    if (format === FORMAT && typeof from === 'string' && typeof to === 'string') return { from, to }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  throw new DelayHistoryError(`line 1: not the header of a delay history (${FORMAT})`)
}

function readLine(line: string, at: number): { key: string; record: DelayRecord } {
  const [key = '', ...cells] = line.split(' ')
  const [observations = -1, cancelled = -1, notReached = -1, ...lateMin] = cells.map(Number)
  const counts = [observations, cancelled, notReached, ...lateMin]
  const isWhole = counts.every((count) => Number.isInteger(count) && count >= 0)
  const isCounted = cancelled + notReached + lateMin.length <= observations
  if (key.split('|').length !== 4 || !isWhole || !isCounted) {
    throw new DelayHistoryError(`line ${at}: not a flight with its counts and delays`)
  }
  return { key, record: { observations, cancelled, notReached, lateMin } }
}

function add(records: Map<string, DelayRecord[]>, key: string, record: DelayRecord): void {
  const known = records.get(key)
  if (known === undefined) records.set(key, [record])
  else known.push(record)
}

function merged(records: readonly DelayRecord[] | undefined): DelayRecord | null {
  if (records === undefined) return null
  const sum = (count: (record: DelayRecord) => number) =>
    records.reduce((total, record) => total + count(record), 0)
  return {
    observations: sum((record) => record.observations),
    cancelled: sum((record) => record.cancelled),
    notReached: sum((record) => record.notReached),
    lateMin: records.flatMap((record) => record.lateMin).toSorted((a, b) => a - b),
  }
}
