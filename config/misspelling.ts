/** Whether a name is probably another one, misspelt. */

// A swapped pair of letters is two edits; names three apart are other programs' variables.
const MISSPELT_WITHIN_EDITS = 2

/** True when a few letters apart. */
export function isMisspelt(name: string, meant: string): boolean {
  return editsBetween(name, meant) <= MISSPELT_WITHIN_EDITS
}

/** Levenshtein's distance, or a large number when the lengths alone put it out of reach. */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MISSPELT_WITHIN_EDITS) return Number.POSITIVE_INFINITY
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (const [line, letter] of a.split('').entries()) {
    const next = [line + 1]
    for (const [column, other] of b.split('').entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
