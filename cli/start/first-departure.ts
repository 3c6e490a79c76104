/** When a book's first day of departures begins, so that virtual time can begin a little before it. */
import { loadAirportZones } from '../../adapters/airports/zones.ts'
import { parsePolicyRow } from '../../domain/policy-row.ts'
import type { Instant } from '../../domain/time.ts'
import { addMs, earlier, HOUR_MS } from '../../domain/time.ts'
import { instantOfLocal } from '../../domain/zone.ts'
import { readPolicyFile } from '../policy-file.ts'

/** Time to bind the book and to look at its first legs before they leave. */
const LEAD_MS = 3 * HOUR_MS

/**
 * Three hours before the earliest departure date of the files begins at its origin; null when no row
 * is whole. Bad rows are left to the import to tell.
 */
export async function beforeFirstDeparture(files: readonly string[]): Promise<Instant | null> {
  const { zoneOf } = loadAirportZones()
  const midnights = new Map<string, Instant>()
  for (const file of files) {
    for await (const { row, unreadable } of readPolicyFile(file, () => undefined)) {
      const parsed = unreadable === undefined ? parsePolicyRow(row) : null
      if (parsed?.ok !== true) continue
      const { origin, originLocalDate } = parsed.row.identity
      const zone = zoneOf(origin)
      const key = `${originLocalDate} ${zone}`
      if (zone === null || midnights.has(key)) continue
      midnights.set(key, instantOfLocal(`${originLocalDate}T00:00`, zone))
    }
  }
  const [first, ...rest] = midnights.values()
  return first === undefined ? null : addMs(rest.reduce(earlier, first), -LEAD_MS)
}
