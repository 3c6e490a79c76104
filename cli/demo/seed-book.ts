/**
 * A year of the book, day by day, by the product's own operations: binds the policies of the day's legs,
 * polls and decides them, pays, hears what came back, looks for corrections and expires. So everything that
 * the invariants ask for is there, and the ledger balances, because nothing else wrote it.
 */
import type { Database } from '../../db/client.ts'
import { createCorrectionStore } from '../../db/stores/correction-store.ts'
import { createDecisionStore } from '../../db/stores/decision-store.ts'
import { createExpiryStore } from '../../db/stores/expiry-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createPaymentEventStore } from '../../db/stores/payment-event-store.ts'
import { createPaymentFactStore } from '../../db/stores/payment-fact-store.ts'
import { createPayoutStore } from '../../db/stores/payout-store.ts'
import { createPolicyStore } from '../../db/stores/policy-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { createReviewStore } from '../../db/stores/review-store.ts'
import { createSeedBookReads, tellFacts } from '../../db/stores/seed-book.ts'
import type { LegPack } from '../../domain/leg-pack.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type { PaymentEventSource } from '../../domain/ports/payment-events.ts'
import type { PaymentProvider } from '../../domain/ports/payment-provider.ts'
import { MAX_BIND_PAGE } from '../../domain/ports/policy-store.ts'
import type { StoredProduct } from '../../domain/ports/product-store.ts'
import { REFERENCE_PRODUCTS } from '../../domain/product.ts'
import { addMs, DAY_MS, HOUR_MS, instantFromMs, type Instant } from '../../domain/time.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { expirePolicies } from '../../operations/expire-policies.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import { newPolicyPage } from '../../operations/policy-page.ts'
import { watchCorrections } from '../../operations/watch-corrections.ts'
import { LAST_STEP_AFTER_MS, seedDays, type SeedDay } from './seed-days.ts'
import { createSeedFlights, type SeedFlights, type SeedLeg } from './seed-flights.ts'
import { payOwed, takeReturned, type SeedPayoutDeps } from './seed-payouts.ts'
import { POLICIES_PER_LEG, wallAt, type SeedPlan } from './seed-plan.ts'
import { seedPolicies } from './seed-policies.ts'

/** A clock that the seed moves through the year; the rail reads the same one. */
export type SeedClock = Clock & { set(to: Instant): Promise<void> }

/** What the book is written over. */
export type SeedBookDeps = {
  readonly db: Database
  readonly clock: SeedClock
  readonly pack: LegPack
  /** The local rail and its news; what it gives back is its own affair. */
  readonly payments: PaymentProvider
  readonly eventSource: PaymentEventSource
  /** Founding capital of each currency's pool, minor units. */
  readonly capacityMinor: number
}

/** Told after each day: policies bound so far. */
export type SeedProgress = {
  readonly signal: AbortSignal
  readonly onProgress: (policies: number) => void
}

/** Cover is taken in so long before the day. */
const BOUND_BEFORE_MS = 21 * DAY_MS
/** Looks at a day's legs, from the day's beginning: before, on the way, arrived, and again to be sure. */
const LOOKS_AFTER_MS = [-12 * HOUR_MS, 14 * HOUR_MS, 32 * HOUR_MS, 38 * HOUR_MS, 72 * HOUR_MS]
/** A decision that could be corrected is looked at six hours later, and again when that brought news. */
const CORRECTIONS_AFTER_MS = [46 * HOUR_MS, 50 * HOUR_MS, 80 * HOUR_MS]
/** The last weeks are left to the job, so that it has something to expire. */
const EXPIRED_UNTIL_MS = 10 * DAY_MS
const IN_MEMORY = 32
/** One call's pages; a day of the largest book has fewer. */
const EXPIRY_PAGES = 1_000

/** Writes the year. Not to be repeated: the caller has made sure that it is the first time. */
export async function seedBook(
  deps: SeedBookDeps,
  plan: SeedPlan,
  { signal, onProgress }: SeedProgress,
): Promise<void> {
  const run = await openRun(deps, plan)
  let legs = 0
  for (const day of seedDays(plan)) {
    signal.throwIfAborted()
    await run.day(day)
    legs += day.legs
    onProgress(legs * POLICIES_PER_LEG)
  }
}

async function openRun(deps: SeedBookDeps, plan: SeedPlan): Promise<SeedRun> {
  const { db, clock, pack } = deps
  const codes = REFERENCE_PRODUCTS.map(({ code }) => code)
  const latest = await createProductStore(db).latest(codes)
  const products = codes.flatMap((code) => latest.get(code) ?? [])
  return new SeedRun(deps, plan, products, createSeedFlights(pack, plan.seed, clock))
}

class SeedRun {
  readonly #deps: SeedBookDeps
  readonly #plan: SeedPlan
  readonly #products: readonly StoredProduct[]
  readonly #flights: SeedFlights
  readonly #stores
  readonly #reads
  readonly #payouts: SeedPayoutDeps

  constructor(
    deps: SeedBookDeps,
    plan: SeedPlan,
    products: readonly StoredProduct[],
    flights: SeedFlights,
  ) {
    const { db, clock, payments, eventSource } = deps
    this.#deps = deps
    this.#plan = plan
    this.#products = products
    this.#flights = flights
    this.#stores = {
      policyStore: createPolicyStore(db),
      legStore: createLegStore(db),
      decisionStore: createDecisionStore(db),
      expiryStore: createExpiryStore(db),
      correctionStore: createCorrectionStore(db),
    }
    this.#reads = createSeedBookReads(db)
    this.#payouts = {
      clock,
      payments,
      eventSource,
      rails: [payments],
      payoutStore: createPayoutStore(db),
      eventStore: createPaymentEventStore(db),
      paymentFacts: createPaymentFactStore(db),
      reviewStore: createReviewStore(db),
      listReturned: this.#reads.listReturned,
    }
  }

  async day(day: SeedDay): Promise<void> {
    const { clock } = this.#deps
    const { dayMs } = day
    const boundAt = day.isComing ? addMs(this.#plan.now, -DAY_MS) : after(dayMs, -BOUND_BEFORE_MS)
    const legKeys = await this.#bind(day, boundAt)
    if (day.isComing) return this.#tell(boundAt)
    const legIds = await this.#reads.legIdsOf(legKeys)
    for (const lookMs of LOOKS_AFTER_MS) {
      await clock.set(after(dayMs, lookMs))
      await this.#look(legIds)
    }
    for (const lookMs of CORRECTIONS_AFTER_MS) {
      await clock.set(after(dayMs, lookMs))
      await this.#correct()
    }
    await clock.set(after(dayMs, LAST_STEP_AFTER_MS))
    await takeReturned(this.#payouts)
    // At once: the next day's first looks are earlier, and the rail's news of then has been heard.
    await payOwed(this.#payouts)
    await this.#expire(after(dayMs, LAST_STEP_AFTER_MS))
    await this.#tell(after(dayMs, LAST_STEP_AFTER_MS))
  }

  async #bind(day: SeedDay, boundAt: Instant): Promise<string[]> {
    await this.#deps.clock.set(boundAt)
    const legs = this.#flights.legsOf(day.dayMs, day.legs)
    const perPage = Math.floor(MAX_BIND_PAGE / POLICIES_PER_LEG)
    for (let first = 0; first < legs.length; first += perPage) {
      await this.#bindPage(legs.slice(first, first + perPage), day.firstLeg + first, boundAt)
    }
    return legs.map(({ key }) => key)
  }

  async #bindPage(legs: readonly SeedLeg[], firstLeg: number, boundAt: Instant): Promise<void> {
    const rows = legs.flatMap((leg, index) =>
      seedPolicies(this.#plan, { leg, n: firstLeg + index }, this.#products, boundAt),
    )
    const page = newPolicyPage(rows, boundAt, this.#deps.capacityMinor)
    const { poolShort } = await this.#stores.policyStore.bind(page)
    if (poolShort.length === 0) return
    throw new Error(`the pool has no money left to reserve for ${poolShort[0]}`)
  }

  /** Asks about every leg that is still undecided and carries out what can be decided. */
  async #look(legIds: readonly string[]): Promise<void> {
    const { clock } = this.#deps
    const { legStore, decisionStore } = this.#stores
    const deps = { legStore, flightData: this.#flights.provider, clock }
    const { decidableLegIds } = await pollLegShard(
      deps,
      { legIds, claimedBy: CLAIM },
      { concurrency: IN_MEMORY },
    )
    await decideLegs({ decisionStore, clock }, { legIds: decidableLegIds })
    await payOwed(this.#payouts)
  }

  async #correct(): Promise<void> {
    const { clock } = this.#deps
    const deps = { ...this.#stores, flightData: this.#flights.provider, clock }
    for (let isComplete = false; !isComplete;) {
      ;({ isComplete } = await watchCorrections(deps, { concurrency: IN_MEMORY }))
    }
  }

  async #expire(now: Instant): Promise<void> {
    if (now > addMs(this.#plan.until, -EXPIRED_UNTIL_MS)) return
    const deps = { ...this.#stores, clock: this.#deps.clock }
    await expirePolicies(deps, { after: null, oldestOpen: null }, { maxPages: EXPIRY_PAGES })
  }

  /** Everybody has been told of the day, then: no relay comes to tell it now. */
  async #tell(at: Instant): Promise<void> {
    await tellFacts(this.#deps.db, wallAt(this.#plan, at))
  }
}

const CLAIM = 'seed'

function after(dayMs: number, ms: number): Instant {
  return instantFromMs(dayMs + ms)
}
