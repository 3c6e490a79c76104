/** A book of 400 policies on 20 legs in every state that a policy can be in, for tests that read. */
import { sql } from 'kysely'

import type { Database } from '../../db/client.ts'
import { createDecisionStore } from '../../db/stores/decision-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { legKey } from '../../domain/leg.ts'
import type { ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import { DEFAULT_TENANT } from '../../domain/role.ts'
import { addMs, HOUR_MS, parseInstant, type Instant } from '../../domain/time.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import {
  arrivedRecord,
  B6_35,
  bindRows,
  BOUND_AT,
  fakeFlightData,
  identityOf,
  manualClock,
  manyLegs,
  rowOf,
} from './builders.ts'
import { unguarded } from './unguarded.ts'

/** Delays of the legs that have arrived; the last is too long to be believed and goes to people. */
export const DELAYS_MIN = [-10, 0, 44, 45, 119, 120, 180, 25 * 60] as const

const POLICIES_PER_LEG = 20
const PRODUCTS = ['FD45', 'FD120', 'FD180']

/** When the arrived legs of the book were decided. */
export const BOOK_DECIDED_AT: Instant = addMs(B6_35.scheduledIn, 27 * HOUR_MS)

/** When its payments were made. */
const PAID_AT = parseInstant('2013-03-11T09:00:00Z')

/** Number of policy `i` on leg `leg`. */
export function numberOn(leg: number, i: number): string {
  return `R-${String(leg).padStart(2, '0')}-${String(i).padStart(2, '0')}`
}

/** Fills the database; the legs' keys in order. Policy `i` of each leg is of the tenant that is said. */
export async function makeReadBook(
  db: Database,
  tenantOf: (i: number) => string = () => DEFAULT_TENANT,
): Promise<string[]> {
  const legs = manyLegs(20)
  const keys = legs.map((leg) => legKey(identityOf(leg)))
  const clock = manualClock(BOUND_AT)
  const flightData = fakeFlightData(legs)
  const bound = await bindRows(db, flightData, clock, legs.flatMap(rowsOn(tenantOf)))
  if (bound.rejected.length > 0) throw new Error(JSON.stringify(bound.rejected[0]))
  for (const [index, delayMin] of DELAYS_MIN.entries()) {
    const leg = legs[index] ?? B6_35
    flightData.shown.set(legKey(identityOf(leg)), [arrivedRecord(leg, delayMin)])
  }
  const arrived = keys.slice(0, DELAYS_MIN.length)
  const { rows } = await sql<{ id: string }>`
    select id from flight_leg where leg_key = any(${arrived})`.execute(db)
  const legIds = rows.map(({ id }) => id)
  const [legStore, decisionStore] = [createLegStore(db), createDecisionStore(db)]
  const tick = { legIds, claimedBy: 'tick' }
  clock.set(addMs(BOOK_DECIDED_AT, -HOUR_MS))
  await pollLegShard({ legStore, flightData, clock }, tick, { concurrency: 4 })
  clock.set(BOOK_DECIDED_AT)
  await pollLegShard({ legStore, flightData, clock }, tick, { concurrency: 4 })
  await decideLegs({ decisionStore, clock }, { legIds })
  await moveOn(db)
  return keys
}

const rowsOn = (tenantOf: (i: number) => string) => (leg: ScheduledLeg, index: number) =>
  Array.from({ length: POLICIES_PER_LEG }, (_, i) =>
    rowOf(leg, numberOn(index, i), {
      tenant: tenantOf(i),
      product: PRODUCTS[i % PRODUCTS.length],
      sum_insured: String(100 + i),
      ...(i % 2 === 0 ? { premium: '7.50' } : {}),
      ...(i % 10 === 9 ? { currency: 'EUR' } : {}),
    }),
  )

/** What jobs that are not run here would have done: payments, expiry, cancellation. */
async function moveOn(db: Database): Promise<void> {
  const run = (query: ReturnType<typeof sql>) => query.execute(db)
  const payAll = sql`
    with paid as (
      update payout o set state = 'PAID', approved_by = 'rule', transfer_id = 'tr_' || o.id,
        paid_at = ${PAID_AT}::timestamptz
      from policy p where p.id = o.policy_id and p.policy_number like 'R-06-%'
      returning o.id, o.policy_id, o.amount_minor, o.currency),
    attempt as (
      insert into payout_attempt (payout_id, n, idempotency_key, request_sha256, provider,
        provider_ref, outcome, sends, started_at, finished_at)
      select id, 1, 'po_' || id || '_1', '', 'stripe', 'tr_' || id, 'ACCEPTED', 1,
        ${PAID_AT}::timestamptz, ${PAID_AT}::timestamptz from paid),
    entry as (
      select m.*, groundstop_id('ledger|' || m.ref) as id from paid cross join lateral (values
        ('sub:' || paid.id || ':1', 'submit', 'payable:' || paid.policy_id, 'payout:in_flight:stripe',
          paid.amount_minor, paid.currency),
        ('paid:' || paid.id || ':1', 'paid', 'payout:in_flight:stripe', 'external:holder',
          paid.amount_minor, paid.currency)) as m (ref, kind, source, destination, amount, currency)),
    headed as (
      insert into ledger_transaction (id, ref, kind, effective_at)
      select id, ref, kind, ${PAID_AT}::timestamptz from entry)
    insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
    select id, source, destination, amount, currency from entry`
  await unguarded(db, (trx) => payAll.execute(trx))
  const move = (state: string, like: string) =>
    run(sql`update policy set state = ${state} where policy_number like ${like}`)
  await move('PAID', 'R-06-%')
  await move('CLOSED', 'R-06-0%')
  await move('EXPIRED', 'R-00-%')
  await move('CANCELLED_BY_HOLDER', 'R-18-%')
  await move('DECLINED', 'R-19-%')
  await run(sql`
    insert into coverage_incident (leg_id, poll_phase, gap_s, max_gap_s, opened_at)
    select id, 'ARRIVAL', 5000, 4200, ${BOOK_DECIDED_AT}::timestamptz
    from flight_leg order by leg_key limit 1`)
}
