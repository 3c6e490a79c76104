/** What `npm run accept` is called with. */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import type { FaultProfile } from './fault-profiles.ts'
import { profilesOf } from './fault-profiles.ts'
import { ORACLE_PRODUCTS } from './oracle/leg-oracle.ts'
import type { RunPlan } from './run.ts'

/** The runs that were asked for, one a fault. */
export type AcceptanceOptions = {
  readonly plan: Omit<RunPlan, 'profile'>
  readonly profiles: readonly FaultProfile[]
  /** Where reports go; null writes none. */
  readonly outFolder: string | null
}

/** The command line is not right; the message names the option. */
export class AcceptanceUsageError extends Error {
  override readonly name = 'AcceptanceUsageError'
}

/** How it is called. */
export const USAGE = `npm run accept -- --from DATE --days N --faults LIST
  --faults LIST         none, a switch of the flight server, mixed, all (each switch alone); joined by commas
  --flights FILE        leg pack; default: the half year that ships
  --product LIST        default ${ORACLE_PRODUCTS.join(',')}
  --policies-per-leg N  default 1
  --sources N           1, or 2 (default): a second flight-data service is asked before payments
  --share X             share of the legs that is insured, default 1
  --min MINUTES         each step of the clock at least this far, default 10
  --seed N              default 2013
  --out FOLDER          where reports go, default docs/acceptance; none writes none`

/** The half year that ships with the product. */
export const SHIPPED_PACK = fileURLToPath(
  new URL('../data/nyc2013-h1.legs.txt.gz', import.meta.url),
)
const REPORTS = fileURLToPath(new URL('../docs/acceptance', import.meta.url))
const MINUTE_MS = 60_000

/** Reads the options. Throws AcceptanceUsageError. */
export function parseOptions(args: readonly string[]): AcceptanceOptions {
  const values = valuesOf(args)
  if (!/^\d{4}-\d\d-\d\d$/.test(values.from) || Number.isNaN(Date.parse(values.from))) {
    throw new AcceptanceUsageError('--from: a date is needed, as 2013-02-08')
  }
  const products = values.product.split(',')
  const unknown = products.find((product) => !ORACLE_PRODUCTS.includes(product))
  if (unknown !== undefined)
    throw new AcceptanceUsageError(`--product: the oracle has no ${unknown}`)
  const share = Number(values.share)
  if (!(share > 0 && share <= 1)) throw new AcceptanceUsageError('--share: above 0, at most 1')
  return {
    plan: {
      flights: values.flights,
      from: values.from,
      days: integer('--days', values.days, 366),
      products,
      policiesPerLeg: integer('--policies-per-leg', values['policies-per-leg'], 1_000),
      share,
      sources: integer('--sources', values.sources, 2) === 2 ? 2 : 1,
      seed: integer('--seed', values.seed, 2_147_483_647),
      minStepMs: integer('--min', values.min, 240) * MINUTE_MS,
    },
    profiles: profiles(values.faults),
    outFolder: values.out === 'none' ? null : values.out,
  }
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        from: { type: 'string', default: '' },
        days: { type: 'string', default: '1' },
        faults: { type: 'string', default: 'none' },
        flights: { type: 'string', default: SHIPPED_PACK },
        product: { type: 'string', default: ORACLE_PRODUCTS.join(',') },
        'policies-per-leg': { type: 'string', default: '1' },
        sources: { type: 'string', default: '2' },
        share: { type: 'string', default: '1' },
        min: { type: 'string', default: '10' },
        seed: { type: 'string', default: '2013' },
        out: { type: 'string', default: REPORTS },
      },
    }).values
  } catch (error) {
    if (error instanceof TypeError) throw new AcceptanceUsageError(error.message)
    throw error
  }
}

function profiles(list: string): FaultProfile[] {
  try {
    return profilesOf(list)
  } catch (error) {
    if (error instanceof RangeError) throw new AcceptanceUsageError(`--faults: ${error.message}`)
    throw error
  }
}

function integer(option: string, text: string, largest: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > largest) {
    throw new AcceptanceUsageError(`${option}: an integer from 1 to ${largest}, not ${text}`)
  }
  return value
}
