/** The look after a decision, as `correction-watch` makes it, over a simulated provider. */
import {
  CORRECTION_LOOK_AFTER_MS,
  isWorthAnotherLook,
  judgeCorrection,
} from '../domain/correction.ts'
import type { Decision } from '../domain/decision.ts'
import { foldAnswer, type LegFacts, type WatchedLeg } from '../domain/leg-facts.ts'
import type { Product } from '../domain/product.ts'
import type { Show } from '../domain/simulation/faulty-provider.ts'
import { addMs, toMs, type Instant } from '../domain/time.ts'

/** One look, and another one to confirm what it found. */
const LOOKS_LIMIT = 2

/** Corrections by product, and what finding them cost. */
export type Looked = { readonly looks: number; readonly corrected: ReadonlyMap<Product, number> }

/** Looks at a decided leg once more where a correction would matter. */
export function lookAfter(input: {
  readonly leg: WatchedLeg
  readonly facts: LegFacts
  readonly decided: ReadonlyMap<Product, Exclude<Decision, { outcome: 'NOT_YET' }>>
  readonly first: Show
  readonly decidedAt: Instant
}): Looked {
  const { leg, decided, first, decidedAt } = input
  const insuredScheduledIn = leg.scheduledIn
  const corrected = new Map<Product, number>()
  const groups = [...decided].filter(([, decision]) => isByRule(decision))
  let { facts } = input
  const isWorth = groups.some(([product]) =>
    isWorthAnotherLook({ facts, product, insuredScheduledIn }),
  )
  let at: Instant | null = isWorth ? addMs(decidedAt, CORRECTION_LOOK_AFTER_MS) : null
  let looks = 0
  while (at !== null && looks < LOOKS_LIMIT) {
    const now: Instant = at
    looks += 1
    at = null
    const records = first(toMs(now))
    if (records === null) continue
    facts = foldAnswer(facts, leg, records, now).facts
    for (const [product, decision] of groups) {
      const bps = decision.outcome === 'PAY' ? decision.bps : 0
      const verdict = judgeCorrection({ leg, facts, now, product, insuredScheduledIn }, bps)
      if (verdict.kind === 'WAIT' && verdict.until > now) at = verdict.until
      if (verdict.kind !== 'HIGHER' && verdict.kind !== 'LOWER') continue
      corrected.set(product, verdict.decision.outcome === 'PAY' ? verdict.decision.bps : 0)
    }
  }
  return { looks, corrected }
}

/** Decisions that people make, or make up for, are not looked at again. */
function isByRule(decision: Exclude<Decision, { outcome: 'NOT_YET' }>): boolean {
  return decision.outcome !== 'REVIEW' && !decision.reasons.includes('TIER_DISPUTED')
}
