/**
 * The independent oracle: what each leg of a pack must pay, from the carrier's own reported delay.
 * Shares no code with the product: own pack reading, own date arithmetic, own tiers.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const TIERS: Record<string, readonly (readonly [minDelayMin: number, bps: number])[]> = {
  FD45: [
    [180, 10_000],
    [120, 6_000],
    [45, 3_000],
  ],
  FD120: [[120, 10_000]],
  FD180: [[180, 10_000]],
}

/** The basis points per `CARRIER|NUMBER|ORIGIN|DEST|origin-local-date` that a product must pay. */
export function expectedDecisions(packFile: string, product: string): Map<string, number> {
  const tiers = TIERS[product]
  if (tiers === undefined) throw new Error(`the oracle has no product ${product}`)
  const [header, ...columns] = gunzipSync(readFileSync(packFile)).toString('utf8').split('\n')
  const { epoch, tz } = JSON.parse(header ?? '') as { epoch: string; tz: Record<string, string> }
  const [gaps, carriers, numbers, origins, destinations, , statuses, , delays] = columns.map(
    (line) => line.split(','),
  )
  const expected = new Map<string, number>()
  const dates = new Map<string, string>()
  let scheduledOutMs = Date.parse(epoch)
  gaps?.forEach((gap, row) => {
    scheduledOutMs += Number(gap) * 60_000
    const zone = tz[origins?.[row] ?? ''] ?? ''
    const date = localDate(scheduledOutMs, zone, dates)
    const key = [carriers?.[row], numbers?.[row], origins?.[row], destinations?.[row], date].join(
      '|',
    )
    const status = statuses?.[row]
    const neverArrived = status === 'C' || status === 'D'
    const delayMin = Number(delays?.[row])
    const met = tiers.find(([minDelayMin]) => delayMin >= minDelayMin)
    expected.set(key, neverArrived ? 10_000 : (met?.[1] ?? 0))
  })
  return expected
}

/** SHA-256 over `key=bps` lines in key order, as the published oracle prints it. */
export function oracleHash(expected: ReadonlyMap<string, number>): string {
  const hash = createHash('sha256')
  for (const key of [...expected.keys()].sort()) hash.update(`${key}=${expected.get(key)}\n`)
  return hash.digest('hex')
}

function localDate(epochMs: number, zone: string, cache: Map<string, string>): string {
  const slot = `${zone}|${Math.floor(epochMs / 900_000)}`
  const known = cache.get(slot)
  if (known !== undefined) return known
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' })
  const date = parts.format(new Date(epochMs))
  cache.set(slot, date)
  return date
}
