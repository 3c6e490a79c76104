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

/** A leg of a pack as its carrier reported it in the end. */
export type OracleLeg = {
  /** `CARRIER|NUMBER|ORIGIN|DEST|origin-local-date`. */
  readonly key: string
  readonly carrier: string
  readonly number: string
  readonly origin: string
  readonly destination: string
  /** At the origin. */
  readonly date: string
  readonly scheduledOutMs: number
  readonly scheduledInMs: number
  readonly ending: 'ARRIVED' | 'CANCELLED' | 'NOT_REACHED'
  /** Minutes; not a number when the leg never arrived. */
  readonly delayMin: number
}

/** Every leg of a pack, in its order. */
export function readOracleLegs(packFile: string): OracleLeg[] {
  const [header, ...columns] = unpacked(packFile).split('\n')
  const { epoch, tz } = JSON.parse(header ?? '') as { epoch: string; tz: Record<string, string> }
  const [gaps, carriers, numbers, origins, destinations, blocks, statuses, , delays] = columns.map(
    (line) => line.split(','),
  )
  const dates = new Map<string, string>()
  let scheduledOutMs = Date.parse(epoch)
  return (gaps ?? []).map((gap, row) => {
    scheduledOutMs += Number(gap) * 60_000
    const carrier = carriers?.[row] ?? ''
    const number = numbers?.[row] ?? ''
    const origin = origins?.[row] ?? ''
    const destination = destinations?.[row] ?? ''
    const date = localDate(scheduledOutMs, tz[origin] ?? '', dates)
    const status = statuses?.[row]
    return {
      key: [carrier, number, origin, destination, date].join('|'),
      carrier,
      number,
      origin,
      destination,
      date,
      scheduledOutMs,
      scheduledInMs: scheduledOutMs + Number(blocks?.[row]) * 60_000,
      ending: status === 'C' ? 'CANCELLED' : status === 'D' ? 'NOT_REACHED' : 'ARRIVED',
      delayMin: Number.parseInt(delays?.[row] ?? '', 10),
    }
  })
}

/** The products that the oracle knows. */
export const ORACLE_PRODUCTS: readonly string[] = Object.keys(TIERS)

/** The basis points that a product owes for a leg. */
export function owedBps(leg: OracleLeg, product: string): number {
  const tiers = TIERS[product]
  if (tiers === undefined) throw new Error(`the oracle has no product ${product}`)
  if (leg.ending !== 'ARRIVED') return 10_000
  const met = tiers.find(([minDelayMin]) => leg.delayMin >= minDelayMin)
  return met?.[1] ?? 0
}

/** The basis points per leg key that a product must pay. */
export function expectedDecisions(packFile: string, product: string): Map<string, number> {
  return new Map(readOracleLegs(packFile).map((leg) => [leg.key, owedBps(leg, product)]))
}

function unpacked(packFile: string): string {
  const bytes = readFileSync(packFile)
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b
  return (isZipped ? gunzipSync(bytes) : bytes).toString('utf8')
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
