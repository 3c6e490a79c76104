/** Repeatable randomness for simulations: the same text and seed always give the same draws. */

/** A stream of numbers in [0, 1). Not for secrets. */
export type Draws = () => number

/** A stream seeded by a text and a number (FNV-1a into mulberry32). */
export function drawsOf(text: string, seed: number): Draws {
  let state = (0x811c9dc5 ^ seed) >>> 0
  for (let i = 0; i < text.length; i += 1) {
    state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** A draw from the standard normal distribution (Box-Muller). Takes two draws. */
export function normal(draw: Draws): number {
  // 1 - draw is never 0, whose logarithm is not finite.
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw())
}
