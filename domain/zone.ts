/**
 * Wall time at airports: the only place where zones meet instants. Everything else is UTC.
 * Not a formatter for people.
 */
import { HOUR_MS, instantFromMs, MINUTE_MS, toMs, type Instant, type LocalDate } from './time.ts'

/** Zone offsets and midnights fall on quarter hours, so one lookup serves all of a quarter hour. */
const SLOT_MS = 15 * MINUTE_MS

/** Remembered quarter hours per zone: ten years of them, about 20 MB at the very most. */
const SLOTS_PER_ZONE_LIMIT = 350_000

type ZoneCache = { readonly format: Intl.DateTimeFormat; readonly dates: Map<number, LocalDate> }

// A memo of a pure function: Intl costs 20 µs a call, a map look-up 0.05 µs.
const zones = new Map<string, ZoneCache>()

/** Whether a text names an IANA zone that this machine knows. */
export function isZone(text: string): boolean {
  try {
    zoneOf(text)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** The date on the wall in a zone at an instant. Throws RangeError on an unknown zone. */
export function localDateAt(instant: Instant, zone: string): LocalDate {
  return localDateAtMs(toMs(instant), zone)
}

/** As `localDateAt`, from epoch milliseconds. */
export function localDateAtMs(epochMs: number, zone: string): LocalDate {
  const { format, dates } = zoneOf(zone)
  const slot = Math.floor(epochMs / SLOT_MS)
  const known = dates.get(slot)
  if (known !== undefined) return known
  const date = wallTime(format, epochMs).slice(0, 10) as LocalDate // a calendar date by construction
  if (dates.size >= SLOTS_PER_ZONE_LIMIT) dates.clear()
  dates.set(slot, date)
  return date
}

/**
 * The instant of a wall time `YYYY-MM-DDTHH:MM` in a zone. A time that the clocks skipped is the later
 * instant, one that they showed twice is the earlier. Throws RangeError on a bad text or zone.
 */
export function instantOfLocal(localDateTime: string, zone: string): Instant {
  const asUtcMs = Date.parse(`${localDateTime}Z`)
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(localDateTime) || Number.isNaN(asUtcMs)) {
    throw new RangeError(`not a wall time YYYY-MM-DDTHH:MM: ${localDateTime}`)
  }
  const { format } = zoneOf(zone)
  // No zone changes twice within the two days around a wall time.
  const before = asUtcMs - offsetMs(format, asUtcMs - 24 * HOUR_MS)
  const after = asUtcMs - offsetMs(format, asUtcMs + 24 * HOUR_MS)
  const isReal = (candidate: number) => candidate + offsetMs(format, candidate) === asUtcMs
  const real = [Math.min(before, after), Math.max(before, after)].find(isReal)
  return instantFromMs(real ?? Math.max(before, after))
}

/** How far the wall in a zone is ahead of UTC, milliseconds. Throws RangeError on an unknown zone. */
export function utcOffsetMsAt(epochMs: number, zone: string): number {
  return offsetMs(zoneOf(zone).format, epochMs)
}

function zoneOf(zone: string): ZoneCache {
  const known = zones.get(zone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const cache = { format, dates: new Map<number, LocalDate>() }
  zones.set(zone, cache)
  return cache
}

/** The wall time as `YYYY-MM-DDTHH:MM:SS`. */
function wallTime(format: Intl.DateTimeFormat, epochMs: number): string {
  const part: Record<string, string> = {}
  for (const { type, value } of format.formatToParts(epochMs)) part[type] = value
  const date = `${(part['year'] ?? '').padStart(4, '0')}-${part['month']}-${part['day']}`
  return `${date}T${part['hour']}:${part['minute']}:${part['second']}`
}

function offsetMs(format: Intl.DateTimeFormat, epochMs: number): number {
  const wholeSecondMs = Math.floor(epochMs / 1_000) * 1_000
  return Date.parse(`${wallTime(format, wholeSecondMs)}Z`) - wholeSecondMs
}
