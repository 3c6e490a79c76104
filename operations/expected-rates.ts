/** What products are expected to pay: what they would have paid on all past legs that are known. */
import type { WholeDelayHistory } from '../domain/delay-history.ts'
import type { AnalyticsStore, ExpectedRate } from '../domain/ports/analytics-store.ts'
import { paidBpsOf } from '../domain/premium.ts'

/** What the rates follow from. */
export type ExpectedRatesDeps = {
  readonly analyticsStore: Pick<AnalyticsStore, 'listProducts'>
  readonly delayHistory: () => Promise<WholeDelayHistory>
}

/**
 * Rates of all versions of products, hundredths of a basis point. A version that was seen is not worked
 * out again, as neither it nor the history changes; the history is let go of in between.
 */
export function createExpectedRates(
  deps: ExpectedRatesDeps,
): () => Promise<readonly ExpectedRate[]> {
  const known = new Map<string, ExpectedRate>()
  return async () => {
    const added = await deps.analyticsStore.listProducts([...known.keys()])
    if (added.length === 0) return [...known.values()]
    const all = (await deps.delayHistory()).ofAll()
    if (all === null) return []
    for (const { productVersionId, rules } of added) {
      const bps = Math.round((paidBpsOf(rules, all) / all.observations) * 100) / 100
      known.set(productVersionId, { productVersionId, bps })
    }
    return [...known.values()]
  }
}
