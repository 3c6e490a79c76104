/**
 * What products would have paid on real flights: runs the same folding, deciding and poll planning as
 * the product over a leg pack on a virtual clock. No servers, no database, one thread.
 */
import { decide, type Decision } from '../domain/decision.ts'
import { legKey } from '../domain/leg.ts'
import { emptyFacts, foldAnswer, type LegFacts, type WatchedLeg } from '../domain/leg-facts.ts'
import { packLegIdentity, type LegPack, type PackLeg } from '../domain/leg-pack.ts'
import { nextPoll, nextPollAfter } from '../domain/poll-plan.ts'
import type { Product } from '../domain/product.ts'
import {
  PROVIDER_STRATEGIES,
  type ProviderStrategy,
} from '../domain/simulation/provider-strategies.ts'
import { viewTimeline } from '../domain/simulation/provider-view.ts'
import { timelineOf } from '../domain/simulation/timeline.ts'
import { DAY_MS, instantFromMs, toMs, type Instant } from '../domain/time.ts'

/** A leg's decision under one product; `REVIEW` goes to people and has no amount. */
export type LegOutcome = number | 'REVIEW'

/** What each product pays for one leg. */
export type LegBacktest = {
  readonly key: string
  /** One per product, in the order asked for: basis points paid, or REVIEW. */
  readonly outcomes: readonly LegOutcome[]
  readonly polls: number
  /** From when a provider showed the arrival to the poll that saw it; null when there was none. */
  readonly detectionMs: number | null
}

/** Which flights and products are tried. */
export type BacktestInput = {
  readonly pack: LegPack
  readonly products: readonly Product[]
  /** Draws what the data does not say: report lags, announcement times. The decisions do not depend on it. */
  readonly seed: number
  /** What the provider shows; absent: all that can be known. */
  readonly provider?: ProviderStrategy
}

/** Progress and cancellation. */
export type BacktestOptions = {
  /** Called every thousand legs. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** Two legs of the pack are the same leg: its decisions could not be told apart. */
export class DuplicateLegError extends Error {
  override readonly name = 'DuplicateLegError'
}

/** Policies are bound this long before departure: every planned look still lies ahead. */
const BOUND_BEFORE_MS = 3 * DAY_MS

/** Far beyond any plan: a leg that polls on for ever is a bug in the plan. */
const POLLS_PER_LEG_LIMIT = 2_000

const PROGRESS_EVERY = 1_000

/**
 * Decides every leg of the pack under every product, in the pack's order. Throws DuplicateLegError,
 * LegPackError, or the signal's reason when cancelled.
 */
export function backtest(input: BacktestInput, options: BacktestOptions = {}): LegBacktest[] {
  const { legs } = input.pack
  const results: LegBacktest[] = []
  const keys = new Set<string>()
  for (const leg of legs) {
    const result = backtestLeg(leg, input)
    if (keys.has(result.key)) throw new DuplicateLegError(`the pack has leg ${result.key} twice`)
    keys.add(result.key)
    results.push(result)
    if (results.length % PROGRESS_EVERY === 0) {
      options.signal?.throwIfAborted()
      options.onProgress?.(results.length, legs.length)
    }
  }
  return results
}

function backtestLeg(packLeg: PackLeg, testInput: BacktestInput): LegBacktest {
  const { pack, products, seed, provider = PROVIDER_STRATEGIES.full } = testInput
  const leg = watchedLeg(packLeg, pack.zones)
  const timeline = timelineOf(packLeg, pack.zones, seed)
  const view = (atMs: number) => viewTimeline(timeline, atMs)
  const outcomes: (LegOutcome | null)[] = products.map(() => null)
  let facts = emptyFacts()
  let open: readonly Product[] = products
  let polls = 0
  let detectionMs: number | null = null
  const boundAt = instantFromMs(packLeg.scheduledOutMs - BOUND_BEFORE_MS)
  let { at } = nextPoll({ leg, facts, products, now: boundAt, consecutiveFailures: 0 })
  while (at !== null) {
    polls += 1
    if (polls > POLLS_PER_LEG_LIMIT)
      throw new Error(`the plan polls ${legKey(leg.identity)} for ever`)
    const now = at
    const nowMs = toMs(now)
    facts = foldAnswer(facts, leg, provider(view, nowMs), now).facts
    if (detectionMs === null && facts.arrival !== null && timeline.arrivalShownMs !== null) {
      detectionMs = nowMs - timeline.arrivalShownMs
    }
    const decisions = open.map((product) => decideLeg(leg, facts, product, now))
    record(outcomes, products, open, decisions)
    open = open.filter((_, i) => decisions[i]?.outcome === 'NOT_YET')
    const input = { leg, facts, products: open, now, consecutiveFailures: 0 }
    at = nextPollAfter(input, decisions).at
  }
  return { key: legKey(leg.identity), outcomes: outcomes.map(settled), polls, detectionMs }
}

function decideLeg(leg: WatchedLeg, facts: LegFacts, product: Product, now: Instant): Decision {
  return decide({ leg, facts, insuredScheduledIn: leg.scheduledIn, product, now })
}

function record(
  outcomes: (LegOutcome | null)[],
  products: readonly Product[],
  open: readonly Product[],
  decisions: readonly Decision[],
): void {
  for (const [i, decision] of decisions.entries()) {
    const product = open[i]
    if (decision.outcome === 'NOT_YET' || product === undefined) continue
    outcomes[products.indexOf(product)] = outcomeOf(decision)
  }
}

function outcomeOf(decision: Exclude<Decision, { outcome: 'NOT_YET' }>): LegOutcome {
  switch (decision.outcome) {
    case 'PAY':
      return decision.bps
    case 'NO_PAY':
      return 0
    case 'REVIEW':
      return 'REVIEW'
  }
}

function settled(outcome: LegOutcome | null): LegOutcome {
  if (outcome === null) throw new Error('the plan ended before every product was decided')
  return outcome
}

function watchedLeg(leg: PackLeg, zones: Readonly<Record<string, string>>): WatchedLeg {
  return {
    identity: packLegIdentity(leg, zones),
    originZone: zones[leg.origin] ?? 'UTC',
    destinationZone: zones[leg.destination] ?? 'UTC',
    scheduledOut: instantFromMs(leg.scheduledOutMs),
    scheduledIn: instantFromMs(leg.scheduledInMs),
  }
}
