/** The time on the wall at an airport, as text. */

// A memo of a pure function: a formatter costs a hundred times what it formats. A pack has 100 zones.
const formats = new Map<string, Intl.DateTimeFormat>()

/** `YYYY-MM-DDTHH:MM:SS` in a zone. Throws RangeError on an unknown one. */
export function wallTime(epochMs: number, zone: string): string {
  let format = formats.get(zone)
  if (format === undefined) {
    // Swedish writes dates as ISO 8601 does.
    format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      dateStyle: 'short',
      timeStyle: 'medium',
    })
    formats.set(zone, format)
  }
  return format.format(epochMs).replace(' ', 'T')
}
