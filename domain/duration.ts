/** Durations as people write them. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './time.ts'

/** Not a duration. */
export class DurationError extends Error {
  override readonly name = 'DurationError'
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  second: SECOND_MS,
  min: MINUTE_MS,
  minute: MINUTE_MS,
  h: HOUR_MS,
  hour: HOUR_MS,
  d: DAY_MS,
  day: DAY_MS,
}

/** Milliseconds of `'5 seconds'`, `'15 minutes'`, `'2 h'` or a number of them. Throws DurationError. */
export function durationMs(value: number | string): number {
  if (typeof value === 'number') return value
  const match = /^\s*(?<count>\d{1,12})\s*(?<unit>[a-z]*)\s*$/i.exec(value)
  const { count, unit = '' } = match?.groups ?? {}
  const name = unit.toLowerCase()
  const unitMs = name === '' ? 1 : (UNITS[name] ?? UNITS[name.replace(/s$/, '')])
  if (count === undefined || unitMs === undefined) {
    throw new DurationError(`${JSON.stringify(value)} is no duration, as 15 minutes`)
  }
  return Number(count) * unitMs
}
