/**
 * What products would have paid on real flights: runs the same folding, deciding and poll planning as
 * the product over a leg pack on a virtual clock. No servers, no database, one thread.
 */
import { decideBySources, shouldAskSecond } from '../domain/decide-by-sources.ts'
import type { Decision } from '../domain/decision.ts'
import { legKey } from '../domain/leg.ts'
import { emptyFacts, foldAnswer, type LegFacts, type WatchedLeg } from '../domain/leg-facts.ts'
import { packLegIdentity, type LegPack, type PackLeg } from '../domain/leg-pack.ts'
import { nextPoll, nextPollAfter } from '../domain/poll-plan.ts'
import type { Product } from '../domain/product.ts'
import { foldSecondAnswer, secondNeverAsked, secondSilent } from '../domain/second-source.ts'
import type { SecondFacts } from '../domain/second-source.ts'
import { providersOf, type ProviderFault, type Show } from '../domain/simulation/faulty-provider.ts'
import {
  PROVIDER_STRATEGIES,
  type ProviderStrategy,
} from '../domain/simulation/provider-strategies.ts'
import { timelineOf } from '../domain/simulation/timeline.ts'
import { DAY_MS, instantFromMs, toMs, type Instant } from '../domain/time.ts'
import { lookAfter } from './backtest-looks.ts'

/** A leg's decision under one product; `REVIEW` goes to people and has no amount. */
export type LegOutcome = number | 'REVIEW'

/** What each product pays for one leg. */
export type LegBacktest = {
  readonly key: string
  /** One per product, in the order asked for: basis points paid, or REVIEW. */
  readonly outcomes: readonly LegOutcome[]
  /** One per product: what the source that says more would pay; null where none does. */
  readonly disputedBps: readonly (number | null)[]
  /** One per product: what a look after the decision says instead; null where it says the same. */
  readonly correctedBps: readonly (number | null)[]
  readonly polls: number
  /** Of the second source. */
  readonly secondPolls: number
  /** Of the first source, after the decision. */
  readonly looks: number
  /** From when a provider showed the arrival to the poll that saw it; null when there was none. */
  readonly detectionMs: number | null
}

/** Which flights and products are tried. */
export type BacktestInput = {
  readonly pack: LegPack
  readonly products: readonly Product[]
  /** Draws what the data does not say: report lags, announcement times. The decisions do not depend on it. */
  readonly seed: number
  /** What the first source tells; absent: all that can be known. */
  readonly provider?: ProviderStrategy
  /** How many sources are asked; default `single`. */
  readonly sources?: SourceStrategy
  /** Faults of the sources; default none. */
  readonly faults?: readonly ProviderFault[]
}

/** One source decides, or a second one is asked before payments and next to tiers. */
export type SourceStrategy = 'single' | 'two-sources'

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

/** One leg being watched: what is known, what is still to be decided. */
type Watch = {
  readonly leg: WatchedLeg
  facts: LegFacts
  second: SecondFacts | null
  open: readonly Product[]
  failures: number
  polls: number
  secondPolls: number
}

function backtestLeg(packLeg: PackLeg, input: BacktestInput): LegBacktest {
  const { pack, products, seed } = input
  const leg = watchedLeg(packLeg, pack.zones)
  const timeline = timelineOf(packLeg, pack.zones, seed)
  const show = shownBy(providersOf(timeline, input.faults ?? [], seed), input.provider)
  const watch: Watch = {
    leg,
    facts: emptyFacts(),
    second: input.sources === 'two-sources' ? secondNeverAsked('second') : null,
    open: products,
    failures: 0,
    polls: 0,
    secondPolls: 0,
  }
  const decided = new Map<Product, Exclude<Decision, { outcome: 'NOT_YET' }>>()
  let detectionMs: number | null = null
  let decidedAt = leg.scheduledIn
  const boundAt = instantFromMs(packLeg.scheduledOutMs - BOUND_BEFORE_MS)
  let { at } = nextPoll({ leg, facts: watch.facts, products, now: boundAt, consecutiveFailures: 0 })
  while (at !== null) {
    const now = at
    decidedAt = now
    pollOnce(watch, show, now)
    if (detectionMs === null && watch.facts.arrival !== null && timeline.arrivalShownMs !== null) {
      detectionMs = toMs(now) - timeline.arrivalShownMs
    }
    const decisions = watch.open.map((product) => decideWatched(watch, product, now))
    for (const [i, decision] of decisions.entries()) {
      const product = watch.open[i]
      if (decision.outcome !== 'NOT_YET' && product !== undefined) decided.set(product, decision)
    }
    watch.open = watch.open.filter((product) => !decided.has(product))
    const { facts, open, failures } = watch
    const plan = { leg, facts, products: open, now, consecutiveFailures: failures }
    at = nextPollAfter(plan, decisions).at
  }
  const final = products.map((product) => decided.get(product))
  const after = lookAfter({ leg, facts: watch.facts, decided, first: show.first, decidedAt })
  return {
    key: legKey(leg.identity),
    outcomes: final.map(outcomeOf),
    disputedBps: final.map((one) => (one?.outcome === 'PAY' ? (one.disputedBps ?? null) : null)),
    correctedBps: products.map((product) => after.corrected.get(product) ?? null),
    polls: watch.polls,
    secondPolls: watch.secondPolls,
    looks: after.looks,
    detectionMs,
  }
}

type Shows = { readonly first: Show; readonly second: Show }

/** The sources, the first of which tells only what its strategy does. */
function shownBy(
  { first, second }: Shows,
  provider: ProviderStrategy = PROVIDER_STRATEGIES.full,
): Shows {
  const told: Show = (nowMs) =>
    first(nowMs) === null ? null : provider((atMs) => first(atMs) ?? [], nowMs)
  return { first: told, second }
}

/** Asks the first source, and the second where its answer can matter: as the product does. */
function pollOnce(watch: Watch, show: Shows, now: Instant): void {
  const { leg } = watch
  watch.polls += 1
  if (watch.polls > POLLS_PER_LEG_LIMIT) {
    throw new Error(`the plan polls ${legKey(leg.identity)} for ever`)
  }
  const records = show.first(toMs(now))
  watch.failures = records === null ? watch.failures + 1 : 0
  if (records === null) return
  watch.facts = foldAnswer(watch.facts, leg, records, now).facts
  const { facts, second } = watch
  if (second === null) return
  const insuredScheduledIn = leg.scheduledIn
  const isAsked = watch.open.some((product) =>
    shouldAskSecond({ leg, facts, second, insuredScheduledIn, product, now }),
  )
  if (!isAsked) return
  watch.secondPolls += 1
  const answer = show.second(toMs(now))
  watch.second =
    answer === null ? secondSilent(second, now) : foldSecondAnswer(second, leg, answer, now).second
}

function decideWatched({ leg, facts, second }: Watch, product: Product, now: Instant): Decision {
  return decideBySources({
    leg,
    facts,
    second,
    insuredScheduledIn: leg.scheduledIn,
    product,
    now,
  })
}

function outcomeOf(decision: Exclude<Decision, { outcome: 'NOT_YET' }> | undefined): LegOutcome {
  switch (decision?.outcome) {
    case 'PAY':
      return decision.bps
    case 'NO_PAY':
      return 0
    case 'REVIEW':
      return 'REVIEW'
    case undefined:
      throw new Error('the plan ended before every product was decided')
  }
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
