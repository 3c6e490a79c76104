/** What a schedule will do, before it is kept: its next times on the wall, and changes of clocks between them. Pure. */
import { expectedFires, type FireSpec } from './expected-fires.ts'
import { addMs, DAY_MS, instantFromMs, MINUTE_MS, toMs, type Instant } from './time.ts'
import { clockChanges } from './wall-schedule.ts'
import { utcOffsetMsAt } from './zone.ts'

/** One line of a preview, in the order of time. */
export type PreviewLine =
  | {
      readonly kind: 'fire'
      readonly at: Instant
      /** On the wall of the zone, `2026-03-29T03:30:00`. */
      readonly wall: string
      /** Ahead of UTC, `+02:00`. */
      readonly offset: string
    }
  | {
      /** The clocks change: `wallBefore` is where they were to stand, `wallAfter` where they stand. */
      readonly kind: 'change'
      readonly at: Instant
      readonly wallBefore: string
      readonly wallAfter: string
    }

/** Times of one preview at most. */
export const PREVIEW_AT_MOST = 200

/** What fires seldom is looked for this long. */
const LOOKED_FOR_MS = 5 * 366 * DAY_MS

/** The next `count` times after `after`, with the changes of the zone's clocks before the last of them. */
export function previewLines(
  spec: FireSpec,
  request: { readonly after: Instant; readonly count: number; readonly timezone: string },
): PreviewLine[] {
  const { after, count, timezone } = request
  const until = addMs(after, LOOKED_FOR_MS)
  const fires = expectedFires(spec, { after, until }, Math.min(count, PREVIEW_AT_MOST))
  const last = fires.at(-1)
  const lines: PreviewLine[] = fires.map((at) => {
    const offsetMs = utcOffsetMsAt(toMs(at), timezone)
    return { kind: 'fire', at, wall: wallText(toMs(at), offsetMs), offset: offsetText(offsetMs) }
  })
  if (last === undefined) return lines
  // A change shortly before the first or after the last time decides on it too.
  const [fromMs, untilMs] = [toMs(after) - DAY_MS, toMs(last) + DAY_MS]
  for (const { atMs, beforeMs, afterMs } of clockChanges(timezone, fromMs, untilMs)) {
    lines.push({
      kind: 'change',
      at: instantFromMs(atMs),
      wallBefore: wallText(atMs, beforeMs),
      wallAfter: wallText(atMs, afterMs),
    })
  }
  // A time in the very moment of a change stands after it.
  return lines.toSorted((a, b) => toMs(a.at) - toMs(b.at) || (a.kind === 'change' ? -1 : 1))
}

function wallText(epochMs: number, offsetMs: number): string {
  return new Date(epochMs + offsetMs).toISOString().slice(0, 19)
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(Math.round(offsetMs / MINUTE_MS))
  const two = (value: number) => String(value).padStart(2, '0')
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
