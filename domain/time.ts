/**
 * Instants and durations. Everything inside the product is a UTC instant; zones appear only at the
 * edges (`domain/zone.ts`). No function here reads a clock.
 */

declare const instantBrand: unique symbol

/** A UTC instant as ISO-8601 with milliseconds and `Z`: `2013-02-08T17:05:00.000Z`. Sorts as text. */
export type Instant = string & { readonly [instantBrand]: true }

/** A calendar date without a zone, `YYYY-MM-DD`; its zone is always carried beside it. */
export type LocalDate = string & { readonly __localDate: true }

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

const LOCAL_DATE = /^\d{4}-\d{2}-\d{2}$/

/** An instant from epoch milliseconds. Throws RangeError when outside the range of dates. */
export function instantFromMs(epochMs: number): Instant {
  return new Date(epochMs).toISOString() as Instant // the brand's constructor
}

/** Parses any ISO-8601 text that carries an offset or `Z`. Throws RangeError otherwise. */
export function parseInstant(text: string): Instant {
  if (!/(Z|[+-]\d{2}:?\d{2})$/.test(text)) {
    throw new RangeError(`not an instant with an offset: ${text}`)
  }
  const epochMs = Date.parse(text)
  if (Number.isNaN(epochMs)) throw new RangeError(`not an instant: ${text}`)
  return instantFromMs(epochMs)
}

/** Epoch milliseconds of an instant. */
export function toMs(instant: Instant): number {
  return Date.parse(instant)
}

/** The instant `ms` later (earlier when negative). */
export function addMs(instant: Instant, ms: number): Instant {
  return instantFromMs(toMs(instant) + ms)
}

/** Milliseconds from `from` to `to`; negative when `to` is earlier. */
export function msBetween(from: Instant, to: Instant): number {
  return toMs(to) - toMs(from)
}

/** Whole minutes from `from` to `to`, rounded down, so 44 min 59 s is 44 and -30 s is -1. */
export function wholeMinutesBetween(from: Instant, to: Instant): number {
  return Math.floor(msBetween(from, to) / MINUTE_MS)
}

/** The earlier of two instants. */
export function earlier(a: Instant, b: Instant): Instant {
  return a <= b ? a : b
}

/** The later of two instants. */
export function later(a: Instant, b: Instant): Instant {
  return a >= b ? a : b
}

/** A checked local date. Throws RangeError when it is not a date of the calendar. */
export function parseLocalDate(text: string): LocalDate {
  const isDate = LOCAL_DATE.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))
  if (!isDate || new Date(`${text}T00:00:00Z`).toISOString().slice(0, 10) !== text) {
    throw new RangeError(`not a calendar date YYYY-MM-DD: ${text}`)
  }
  return text as LocalDate // checked above
}
