/** Packs of real flights: the column-major text that ships in `data/`. No file access here. */
import type { LegIdentity } from './leg.ts'
import { MINUTE_MS, type LocalDate } from './time.ts'
import { isZone, localDateAtMs } from './zone.ts'

/** A arrived, C cancelled, R diverted then reached the destination, D left and never reached it. */
export type PackLegStatus = 'A' | 'C' | 'R' | 'D'

/** One flight as it really went. Instants in epoch milliseconds, UTC. */
export type PackLeg = {
  readonly carrier: string
  readonly flightNumber: string
  readonly origin: string
  readonly destination: string
  readonly scheduledOutMs: number
  readonly scheduledInMs: number
  readonly status: PackLegStatus
  /** Gate out, minutes late; null when it never left or is not known. */
  readonly departureDelayMin: number | null
  /** Gate in at the destination, minutes late; null when it never came there. */
  readonly arrivalDelayMin: number | null
  readonly tailNumber: string | null
}

/** Real flights with the zones of their airports. */
export type LegPack = {
  readonly legs: PackLeg[]
  /** Airport (IATA) to IANA zone. */
  readonly zones: Record<string, string>
  /** Further texts of the header: where the data is from. */
  readonly notes: Record<string, string>
}

/** The text is not a leg pack; the message says what is wrong and where. */
export class LegPackError extends Error {
  override readonly name = 'LegPackError'
}

const FORMAT = 'legs/1'
const COLUMNS = ['dm', 'ca', 'fn', 'og', 'de', 'sb', 'st', 'dd', 'ad', 'tn'] as const
type Column = (typeof COLUMNS)[number]

/** Where a pack that we write counts its minutes from. */
const EPOCH = '2013-01-01T00:00:00Z'

type Header = {
  readonly epochMs: number
  readonly columns: string[]
  readonly zones: Record<string, string>
  readonly notes: Record<string, string>
}

/** Reads a pack's text (already unzipped). Throws LegPackError naming column and row. */
export function parseLegPack(text: string): LegPack {
  const lines = text.split('\n')
  const header = readHeader(lines[0] ?? '')
  const cells = readColumns(header.columns, lines.slice(1))
  const rows = cells.dm.length
  const legs: PackLeg[] = []
  let scheduledOutMs = header.epochMs
  for (let row = 0; row < rows; row += 1) {
    scheduledOutMs += integerAt(cells, 'dm', row) * MINUTE_MS
    legs.push(readLeg(cells, row, scheduledOutMs, header.zones))
  }
  return { legs, zones: header.zones, notes: header.notes }
}

/** Writes a pack as text; reading it back gives the same legs. */
export function formatLegPack(pack: LegPack): string {
  const header = {
    format: FORMAT,
    n: pack.legs.length,
    epoch: EPOCH,
    columns: COLUMNS,
    tz: pack.zones,
    ...pack.notes,
  }
  let previousMs = Date.parse(EPOCH)
  const gaps = pack.legs.map((leg) => {
    const gapMin = (leg.scheduledOutMs - previousMs) / MINUTE_MS
    previousMs = leg.scheduledOutMs
    return gapMin
  })
  const blockMin = (leg: PackLeg) => (leg.scheduledInMs - leg.scheduledOutMs) / MINUTE_MS
  const columns: (string | number | null)[][] = [
    gaps,
    pack.legs.map((leg) => leg.carrier),
    pack.legs.map((leg) => leg.flightNumber),
    pack.legs.map((leg) => leg.origin),
    pack.legs.map((leg) => leg.destination),
    pack.legs.map(blockMin),
    pack.legs.map((leg) => leg.status),
    pack.legs.map((leg) => leg.departureDelayMin),
    pack.legs.map((leg) => leg.arrivalDelayMin),
    pack.legs.map((leg) => leg.tailNumber),
  ]
  // `join` writes nothing for null, which is how a pack says "not known".
  return [JSON.stringify(header), ...columns.map((column) => column.join(',')), ''].join('\n')
}

/** The legs whose origin-local date lies from one date to another, both included. */
export function cutLegPack(pack: LegPack, from: LocalDate, to: LocalDate): LegPack {
  const legs = pack.legs.filter((leg) => {
    const { originLocalDate } = packLegIdentity(leg, pack.zones)
    return originLocalDate >= from && originLocalDate <= to
  })
  return { ...pack, legs }
}

/** The identity of a pack's leg. Throws LegPackError when the origin's zone is not in the pack. */
export function packLegIdentity(
  leg: PackLeg,
  zones: Readonly<Record<string, string>>,
): LegIdentity {
  const zone = zones[leg.origin]
  if (zone === undefined) throw new LegPackError(`the pack has no zone for airport ${leg.origin}`)
  return {
    carrier: leg.carrier,
    flightNumber: leg.flightNumber,
    origin: leg.origin,
    destination: leg.destination,
    originLocalDate: localDateAtMs(leg.scheduledOutMs, zone),
  }
}

function readHeader(line: string): Header {
  const header = parseJsonObject(line)
  if (header['format'] !== FORMAT) {
    throw new LegPackError(`not a leg pack: the first line lacks "format":"${FORMAT}"`)
  }
  const epochMs = Date.parse(String(header['epoch']))
  if (Number.isNaN(epochMs)) throw new LegPackError(`header: epoch is not an instant`)
  const columns = header['columns']
  if (!Array.isArray(columns)) throw new LegPackError('header: columns is not a list')
  const { format: _format, n: _n, epoch: _epoch, columns: _columns, tz, ...rest } = header
  return { epochMs, columns: columns.map(String), zones: readZones(tz), notes: texts(rest) }
}

function parseJsonObject(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch (cause) {
    throw new LegPackError('not a leg pack: the first line is not JSON', { cause })
  }
  throw new LegPackError('not a leg pack: the first line is not a JSON object')
}

function readZones(tz: unknown): Record<string, string> {
  if (typeof tz !== 'object' || tz === null) throw new LegPackError('header: tz is missing')
  const zones = texts({ ...tz })
  for (const [airport, zone] of Object.entries(zones)) {
    if (!isZone(zone)) throw new LegPackError(`header: ${airport} has the unknown zone ${zone}`)
  }
  return zones
}

function texts(record: Record<string, unknown>): Record<string, string> {
  const kept = Object.entries(record).filter(([, value]) => typeof value === 'string')
  return Object.fromEntries(kept.map(([key, value]) => [key, String(value)]))
}

type Cells = Record<Column, string[]>

function readColumns(names: string[], lines: string[]): Cells {
  const cells = {} as Cells // filled for every column below
  for (const name of COLUMNS) {
    const line = lines[names.indexOf(name)]
    if (!names.includes(name) || line === undefined) {
      throw new LegPackError(`the pack has no column ${name}`)
    }
    // An empty line is one unknown cell when there is one row, and none when there is none.
    const isEmpty = line === '' && (name === 'dm' || cells.dm.length === 0)
    cells[name] = isEmpty ? [] : line.split(',')
    if (cells[name].length !== cells.dm.length) {
      throw new LegPackError(
        `column ${name} has ${cells[name].length} rows, column dm has ${cells.dm.length}`,
      )
    }
  }
  return cells
}

function readLeg(
  cells: Cells,
  row: number,
  scheduledOutMs: number,
  zones: Record<string, string>,
): PackLeg {
  const leg: PackLeg = {
    carrier: textAt(cells, 'ca', row, /^[A-Z0-9]{2}$/),
    flightNumber: textAt(cells, 'fn', row, /^(0|[1-9]\d{0,4}[A-Z]?)$/),
    origin: airportAt(cells, 'og', row, zones),
    destination: airportAt(cells, 'de', row, zones),
    scheduledOutMs,
    scheduledInMs: scheduledOutMs + integerAt(cells, 'sb', row) * MINUTE_MS,
    status: textAt(cells, 'st', row, /^[ACRD]$/) as PackLegStatus, // checked by the pattern
    departureDelayMin: optionalIntegerAt(cells, 'dd', row),
    arrivalDelayMin: optionalIntegerAt(cells, 'ad', row),
    tailNumber: cells.tn[row] || null,
  }
  if (leg.scheduledInMs <= scheduledOutMs) throw wrong('sb', row, 'is not a positive block time')
  const hasArrived = leg.status === 'A' || leg.status === 'R'
  if (hasArrived !== (leg.arrivalDelayMin !== null)) {
    throw wrong('ad', row, `does not go with status ${leg.status}`)
  }
  return leg
}

function textAt(cells: Cells, column: Column, row: number, pattern: RegExp): string {
  const text = cells[column][row] ?? ''
  if (!pattern.test(text)) throw wrong(column, row, `is not valid: "${text}"`)
  return text
}

function airportAt(
  cells: Cells,
  column: 'og' | 'de',
  row: number,
  zones: Record<string, string>,
): string {
  const airport = cells[column][row] ?? ''
  if (zones[airport] === undefined) throw wrong(column, row, `has no zone: "${airport}"`)
  return airport
}

function optionalIntegerAt(cells: Cells, column: Column, row: number): number | null {
  return cells[column][row] === '' ? null : integerAt(cells, column, row)
}

function integerAt(cells: Cells, column: Column, row: number): number {
  const text = cells[column][row] ?? ''
  const value = Number(text)
  if (text === '' || !Number.isSafeInteger(value)) {
    throw wrong(column, row, `is not a whole number: "${text}"`)
  }
  return value
}

/** Rows are counted from 1, as people do. */
function wrong(column: Column, row: number, what: string): LegPackError {
  return new LegPackError(`column ${column}, row ${row + 1} ${what}`)
}
