/** Rows of text in columns. Pure. */

/** Wider cells are cut, so that a line stays a line. */
const CELL_LIMIT = 60

/** A table with a header line; columns of numbers stand to the right. Empty when there are no rows. */
export function tableLines(
  header: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string[] {
  if (rows.length === 0) return ['none']
  const texts = rows.map((row) => row.map(cellText))
  const widths = header.map((name, column) =>
    Math.max(name.length, ...texts.map((row) => (row[column] ?? '').length)),
  )
  const isNumeric = header.map((_, column) =>
    texts.every((row) => /^-?[\d.,]*( [A-Z]{3})?$/.test(row[column] ?? '')),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return isNumeric[column] === true ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(header), ...texts.map(line)]
}

/** Labels and values, one a line; nothing is shown as `-`. */
export function fieldLines(
  fields: readonly (readonly [string, string | number | null])[],
): string[] {
  const width = Math.max(...fields.map(([label]) => label.length))
  return fields.map(([label, value]) => `${label.padEnd(width)}  ${fieldText(value)}`)
}

/** `2013-03-09 17:05:00`, UTC. */
export function timeText(instant: string | null): string | null {
  return instant === null ? null : `${instant.slice(0, 10)} ${instant.slice(11, 19)}`
}

// oxlint-disable-next-line no-control-regex -- what a provider wrote must not move the cursor
const CONTROL = /[\u0000-\u001f\u007f]/g

function fieldText(value: string | number | null): string {
  return value === null || value === '' ? '-' : String(value).replaceAll(CONTROL, '?')
}

function cellText(value: string | number | null): string {
  const text = fieldText(value)
  return text.length > CELL_LIMIT ? `${text.slice(0, CELL_LIMIT - 1)}…` : text
}
