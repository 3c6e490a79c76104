/** A stable offset of a schedule within a window, so that jobs of the same time do not all start at once. Pure. */
import { SECOND_MS } from './time.ts'

/** Where a schedule's fires lie, beyond the times that it names: always the same. */
export type Spread = {
  /** Offsets lie before this, milliseconds. */
  readonly windowMs: number
  /** Whole seconds in milliseconds, from 0 and before `windowMs`. */
  readonly offsetMs: number
}

/** The offset of a name: any process, on any day, computes the same. `windowMs`: whole seconds, at least one. */
export function spreadOf(name: string, windowMs: number): Spread {
  return { windowMs, offsetMs: (hashOf(name) % (windowMs / SECOND_MS)) * SECOND_MS }
}

/** FNV-1a, then mixed as in MurmurHash3, since names that differ in their ends only should lie far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
