/**
 * What asking costs and how soon an arrival is seen, over half a year of real flights on the backtest's
 * virtual clock. The decisions' hashes prove that asking less has changed none of them. `npm run bench:polls`
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

import { parseLegPack } from '../domain/leg-pack.ts'
import { REFERENCE_PRODUCTS } from '../domain/product.ts'
import {
  PROVIDER_STRATEGIES,
  type ProviderStrategyName,
} from '../domain/simulation/provider-strategies.ts'
import { MINUTE_MS } from '../domain/time.ts'
import { decisionLines } from '../operations/backtest-report.ts'
import { backtest, type LegBacktest } from '../operations/backtest.ts'

const FLIGHTS = new URL('../data/nyc2013-h1.legs.txt.gz', import.meta.url)
const ORACLE = new URL('../data/nyc2013-h1.oracle.json', import.meta.url)
const STRATEGIES: readonly ProviderStrategyName[] = ['full', 'no-estimates', 'slow']
const SEED = 1

/** What must hold with everything that a provider can tell. */
const CALLS_PER_LEG_BOUND = 13
const DETECTION_P99_BOUND_MIN = 2

type Oracle = { readonly products: Readonly<Record<string, { readonly sha256: string }>> }

const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0

function callsText(results: readonly LegBacktest[]): { mean: number; text: string } {
  const sorted = Float64Array.from(results, ({ polls }) => polls).sort()
  const mean = sorted.reduce((sum, polls) => sum + polls, 0) / sorted.length
  const text = `mean ${mean.toFixed(2)}, p99 ${quantile(sorted, 0.99)}, max ${sorted.at(-1) ?? 0}`
  return { mean, text }
}

function detection(results: readonly LegBacktest[]): { p99Min: number; text: string } {
  const seen = results.map(({ detectionMs }) => detectionMs).filter((ms) => ms !== null)
  const sorted = Float64Array.from(seen).sort()
  const minutes = (share: number) => quantile(sorted, share) / MINUTE_MS
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => minutes(share).toFixed(1))
  return { p99Min: minutes(0.99), text: `p50 ${p50}, p95 ${p95}, p99 ${p99} min after it is shown` }
}

function hashOf(results: readonly LegBacktest[], index: number): string {
  const hash = createHash('sha256')
  for (const line of decisionLines(results, index)) hash.update(`${line}\n`)
  return hash.digest('hex')
}

const pack = parseLegPack(gunzipSync(readFileSync(FLIGHTS)).toString('utf8'))
// Our own file, beside the flights.
const oracle = JSON.parse(readFileSync(ORACLE, 'utf8')) as Oracle
const problems: string[] = []
for (const name of STRATEGIES) {
  const startedMs = performance.now()
  const provider = PROVIDER_STRATEGIES[name]
  const results = backtest({ pack, products: REFERENCE_PRODUCTS, seed: SEED, provider })
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
  const calls = callsText(results)
  const seen = detection(results)
  console.log(`${name}: ${results.length} legs in ${seconds} s`)
  console.log(`  calls per leg  ${calls.text}`)
  console.log(`  arrival seen   ${seen.text}`)
  for (const [index, { code }] of REFERENCE_PRODUCTS.entries()) {
    const hash = hashOf(results, index)
    const isOwed = hash === oracle.products[code]?.sha256
    console.log(`  ${code.padEnd(14)} ${hash.slice(0, 16)} ${isOwed ? 'as the oracle' : 'OTHERS'}`)
    if (!isOwed) problems.push(`${name} decides ${code} otherwise than the oracle`)
  }
  if (name === 'full' && calls.mean > CALLS_PER_LEG_BOUND) {
    problems.push(`${calls.mean.toFixed(2)} calls a leg, not ${CALLS_PER_LEG_BOUND}`)
  }
  if (name === 'full' && seen.p99Min > DETECTION_P99_BOUND_MIN) {
    problems.push(`p99 is ${seen.p99Min.toFixed(2)} min, not ${DETECTION_P99_BOUND_MIN}`)
  }
}
for (const problem of problems) console.log(`NOT HELD: ${problem}`)
process.exitCode = problems.length === 0 ? 0 : 1
