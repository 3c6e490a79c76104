import { describe, expect, it } from 'vitest'

import {
  PROVIDER_STRATEGIES,
  type ProviderStrategyName,
} from '../../../domain/simulation/provider-strategies.ts'
import { REFERENCE_PRODUCTS } from '../../../domain/product.ts'
import { backtest } from '../../../operations/backtest.ts'
import { decisionLines, summarise } from '../../../operations/backtest-report.ts'
import { loadPack } from './real-legs.ts'

const pack = loadPack('nyc2013-02-storm.legs.txt.gz')
const legs = pack.legs.slice(4_000, 4_600)

function tried(name: ProviderStrategyName) {
  const provider = PROVIDER_STRATEGIES[name]
  const results = backtest({
    pack: { ...pack, legs },
    products: REFERENCE_PRODUCTS,
    seed: 1,
    provider,
  })
  return { lines: decisionLines(results, 0), summary: summarise(results, 0) }
}

describe('a provider that tells less or later', () => {
  const full = tried('full')

  it.each(['no-estimates', 'no-runway', 'slow'] as const)('changes no decision: %s', (name) => {
    expect(tried(name).lines).toEqual(full.lines)
  })

  it('is noticed late without its estimates', () => {
    const { detectionMin } = tried('no-estimates').summary
    expect(detectionMin.p95).toBeGreaterThan(full.summary.detectionMin.p95 + 5)
  })

  it('that is slow is noticed a quarter of an hour late', () => {
    const { detectionMin } = tried('slow').summary
    expect(detectionMin.p50).toBeGreaterThan(full.summary.detectionMin.p50 + 13)
    expect(detectionMin.p50).toBeLessThan(full.summary.detectionMin.p50 + 17)
  })
})
