/**
 * A book on real legs, bound, watched, decided and paid through the product's own adapters, operations
 * and stores, with foreign servers behind it and a clock that is stepped from one due moment to the next.
 */
import { sql } from 'kysely'

import { loadAirportZones } from '../../../adapters/airports/zones.ts'
import { createAeroApiProvider } from '../../../adapters/flights/aeroapi.ts'
import { createStripePayments } from '../../../adapters/payments/stripe.ts'
import type { Database } from '../../../db/client.ts'
import { createDecisionStore } from '../../../db/stores/decision-store.ts'
import { createLegStore } from '../../../db/stores/leg-store.ts'
import { createPayoutStore } from '../../../db/stores/payout-store.ts'
import { createPolicyStore } from '../../../db/stores/policy-store.ts'
import { instantFromMs, toMs } from '../../../domain/time.ts'
import type { Instant } from '../../../domain/time.ts'
import { approvePayouts } from '../../../operations/approve-payouts.ts'
import { batchPayouts } from '../../../operations/batch-payouts.ts'
import { claimDueLegs } from '../../../operations/claim-due-legs.ts'
import { decideLegs } from '../../../operations/decide-legs.ts'
import { exportDecisions } from '../../../operations/export-decisions.ts'
import { pollLegShard } from '../../../operations/poll-leg-shard.ts'
import { submitPayouts } from '../../../operations/submit-payouts.ts'
import { bindRows, collect, manualClock } from '../builders.ts'
import type { ManualClock } from '../builders.ts'
import { createTestDatabase } from '../database.ts'
import { parseDecisions } from '../../../acceptance/oracle/expected-book.ts'
import type { DecidedPolicy } from '../../../acceptance/oracle/expected-book.ts'
import { DOCUMENTED, startForeignFlights } from './foreign-flights.ts'
import type { FlightsDialect } from './foreign-flights.ts'
import type { ForeignLeg } from './foreign-legs.ts'
import { DOCUMENTED_PAYMENTS, startForeignPayments } from './foreign-payments.ts'
import type { PaymentsDialect } from './foreign-payments.ts'

const KEY = 'a-foreign-key'
/** Ticks come every two minutes; steps of fifteen keep a day of legs in a hundred of them. */
const TICK_MS = 15 * 60_000
const TICKS_LIMIT = 2_000
const SUBMITS_LIMIT = 5
const LEASE_MS = 60_000

export type ForeignDay = {
  readonly flights?: Partial<FlightsDialect>
  readonly payments?: Partial<PaymentsDialect>
  /** When the book is bound. */
  readonly boundAt: Instant
  /** Rows as a file has them. */
  readonly rows: readonly Record<string, string>[]
  /** All that the flight-data server knows. */
  readonly legs: readonly ForeignLeg[]
}

export type DayResult = {
  readonly rejected: readonly { readonly policyNumber: string; readonly reason: string }[]
  readonly decided: Map<string, DecidedPolicy>
  /** Policy numbers that wait for a person, with the reasons. */
  readonly inReview: Map<string, string>
  readonly moved: readonly { readonly id: string; readonly amount: number }[]
  /** What the flight-data server refused. */
  readonly refusals: readonly string[]
  readonly pollsPerLeg: number
}

/** Runs a book to its end: until no policy is undecided and no payout is open. */
export async function runForeignDay(day: ForeignDay): Promise<DayResult> {
  await using own = await createTestDatabase()
  const { db } = own
  const clock = manualClock(day.boundAt)
  let shownMs = toMs(day.boundAt)
  const moveTo = (ms: number): void => {
    shownMs = ms
    clock.set(instantFromMs(ms))
  }
  const dialect = { ...DOCUMENTED, ...day.flights }
  await using flights = await startForeignFlights(day.legs, () => shownMs, dialect, KEY)
  await using payments = await startForeignPayments(
    { ...DOCUMENTED_PAYMENTS, ...day.payments },
    KEY,
  )
  await using flightData = createAeroApiProvider({
    baseUrl: flights.url,
    apiKey: KEY,
    ratePerS: 10_000,
    concurrency: 16,
    airports: loadAirportZones(),
    clock,
  })
  await using stripe = createStripePayments({ baseUrl: payments.url, apiKey: KEY })
  const bound = await bindRows(db, flightData, clock, day.rows)
  const deps = { legStore: createLegStore(db), flightData, clock }
  const decisionStore = createDecisionStore(db)
  for (let tick = 0; tick < TICKS_LIMIT; tick += 1) {
    const dueMs = await nextDueMs(db)
    if (dueMs === null) break
    moveTo(Math.max(shownMs, Math.ceil(dueMs / TICK_MS) * TICK_MS))
    const claim = { claimedBy: `tick-${tick}`, limit: 1_000, shardSize: 1_000, leaseMs: LEASE_MS }
    const { shards } = await claimDueLegs(deps, claim)
    for (const legIds of shards) {
      const input = { legIds, claimedBy: claim.claimedBy }
      const { decidableLegIds } = await pollLegShard(deps, input, { concurrency: 16 })
      await decideLegs({ decisionStore, clock }, { legIds: decidableLegIds })
    }
  }
  await payAll(db, stripe, clock)
  const policyStore = createPolicyStore(db)
  const lines = await collect(exportDecisions({ policyStore }))
  return {
    rejected: bound.rejected,
    decided: parseDecisions(lines.join('\n')),
    inReview: await readReviews(db),
    moved: payments.moved,
    refusals: flights.refusals,
    pollsPerLeg: flights.asked.status / Math.max(1, day.rows.length),
  }
}

async function nextDueMs(db: Database): Promise<number | null> {
  const { rows } = await sql<{ at: Instant | null }>`
    select min(next_poll_at) as at from flight_leg where undecided_policies > 0`.execute(db)
  const at = rows[0]?.at ?? null
  return at === null ? null : toMs(at)
}

async function payAll(
  db: Database,
  payments: ReturnType<typeof createStripePayments>,
  clock: ManualClock,
): Promise<void> {
  const payoutStore = createPayoutStore(db)
  const { batchIds } = await batchPayouts({ payoutStore })
  for (const batchId of batchIds) {
    await approvePayouts({ payoutStore, clock }, { batchId })
    for (let times = 0; times < SUBMITS_LIMIT; times += 1) {
      const standing = await submitPayouts({ payoutStore, payments, clock }, { batchId })
      if (standing.unknownPayoutIds.length === 0) break
      clock.pass(TICK_MS)
    }
  }
}

async function readReviews(db: Database): Promise<Map<string, string>> {
  const { rows } = await sql<{ number: string; reasons: string[] | null }>`
    select p.policy_number as number, e.reasons
    from policy p left join evaluation e on e.id = p.evaluation_id
    where p.state = 'IN_REVIEW' order by 1`.execute(db)
  return new Map(rows.map(({ number, reasons }) => [number, (reasons ?? []).join(' ')]))
}
