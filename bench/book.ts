/**
 * The benchmark's book: one policy per leg by the product's own import, which looks up and freezes the
 * timetable, then as many more per leg as wanted by set-based SQL, with escrow and ledger.
 */
import { sql } from 'kysely'

import { loadAirportZones } from '../adapters/airports/zones.ts'
import { createAeroApiProvider } from '../adapters/flights/aeroapi.ts'
import type { Database } from '../db/client.ts'
import { createPolicyStore } from '../db/stores/policy-store.ts'
import { createProductStore } from '../db/stores/product-store.ts'
import type { LegPack } from '../domain/leg-pack.ts'
import { packLegIdentity } from '../domain/leg-pack.ts'
import { account, ledgerRef } from '../domain/ledger.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { ensureProducts } from '../operations/ensure-products.ts'
import { importPolicies, type PlacedRow } from '../operations/import-policies.ts'

const PRODUCTS = ['FD45', 'FD120', 'FD180'] as const
const SUM_INSURED_MINOR = 10_000
const CAPACITY_MINOR = 1_000_000_000_000
/** Payees at the payment server; a storm pays many policies of few travel agencies. */
const PAYEES = 1_000

/** Binds the first policy of every leg; the timetable is looked up at the flight-data server. */
export async function bindFirstPolicies(
  deps: { db: Database; clock: Clock; flightsUrl: string },
  pack: LegPack,
): Promise<void> {
  await using flightData = createAeroApiProvider({
    baseUrl: deps.flightsUrl,
    apiKey: 'bench',
    ratePerS: 100_000,
    concurrency: 32,
    airports: loadAirportZones(),
    clock: deps.clock,
  })
  const productStore = createProductStore(deps.db)
  await ensureProducts({ productStore })
  const { imported, rejected } = await importPolicies(
    {
      policyStore: createPolicyStore(deps.db),
      productStore,
      flightData,
      clock: deps.clock,
      capacityMinor: CAPACITY_MINOR,
    },
    firstPolicies(pack),
  )
  if (imported !== pack.legs.length) {
    const [first] = rejected
    throw new Error(`${rejected.length} policies were refused, first: ${JSON.stringify(first)}`)
  }
}

function firstPolicies(pack: LegPack): PlacedRow[] {
  return pack.legs.map((leg, index) => {
    const id = packLegIdentity(leg, pack.zones)
    const row = {
      policy_number: policyNumber(index),
      product: PRODUCTS[index % PRODUCTS.length] ?? PRODUCTS[0],
      carrier: id.carrier,
      flight_number: id.flightNumber,
      origin: id.origin,
      destination: id.destination,
      departure_date: id.originLocalDate,
      sum_insured: '100.00',
      currency: 'USD',
      payee_ref: `acct_bench${index % PAYEES}`,
    }
    return { line: index + 1, row }
  })
}

/** The number of the first policy of a pack's leg. */
export function policyNumber(index: number): string {
  return `BENCH-${String(index).padStart(5, '0')}`
}

/** Adds policies to each leg until it has `policiesPerLeg`, and checks what stands in the book then. */
export async function multiplyPolicies(db: Database, policiesPerLeg: number): Promise<number> {
  await db.transaction().execute(async (trx) => {
    await sql`set local statement_timeout = 0`.execute(trx)
    await sql`
      create temporary table clone on commit drop as
      select groundstop_id('policy|' || p.policy_number || '-' || n) as id,
        p.policy_number || '-' || n as policy_number,
        (array(select id from product_version order by code))[1 + n % 3] as product_version_id,
        p.leg_id, p.insured_scheduled_out, p.insured_scheduled_in, p.bound_at, p.cover_end,
        'acct_bench' || (n * 7919 + row_number() over ()) % ${PAYEES}::integer as payee_ref
      from policy p cross join generate_series(2, ${policiesPerLeg}::integer) as n`.execute(trx)
    await sql`
      insert into policy (id, policy_number, product_version_id, leg_id, insured_scheduled_out,
        insured_scheduled_in, sum_insured_minor, currency, payee_ref, state, bound_at, cover_end)
      select id, policy_number, product_version_id, leg_id, insured_scheduled_out,
        insured_scheduled_in, ${SUM_INSURED_MINOR}::bigint, 'USD', payee_ref, 'BOUND', bound_at,
        cover_end
      from clone`.execute(trx)
    await sql`
      insert into escrow_reservation (policy_id, currency, reserved_minor)
      select id, 'USD', ${SUM_INSURED_MINOR}::bigint from clone`.execute(trx)
    await sql`
      insert into ledger_transaction (id, ref, kind, effective_at)
      select groundstop_id('ledger|' || ${ledgerRef.bind('')} || id), ${ledgerRef.bind('')} || id,
        'bind', bound_at
      from clone`.execute(trx)
    await sql`
      insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
      select groundstop_id('ledger|' || ${ledgerRef.bind('')} || id), ${account.poolAvailable()},
        ${account.escrow('')} || id, ${SUM_INSURED_MINOR}::bigint, 'USD'
      from clone`.execute(trx)
    await sql`
      update pool_balance set balance_minor = balance_minor -
        (select count(*) * ${SUM_INSURED_MINOR}::bigint from clone)
      where account = ${account.poolAvailable()} and currency = 'USD'`.execute(trx)
    await sql`
      update flight_leg set undecided_policies = ${policiesPerLeg}::integer`.execute(trx)
  })
  for (const table of ['policy', 'escrow_reservation', 'ledger_transaction', 'ledger_posting']) {
    await sql`vacuum analyze ${sql.table(table)}`.execute(db)
  }
  await sql`analyze flight_leg`.execute(db)
  const { rows } = await sql<{ policies: number }>`
    select count(*)::integer as policies from policy where outcome is null`.execute(db)
  return rows[0]?.policies ?? 0
}

/** Makes exactly the named legs due at `at`, and the others an hour later, as polled just now. */
export async function makeDue(db: Database, indexes: readonly number[], at: string): Promise<void> {
  await sql`
    update flight_leg l set
      next_poll_at = case when due.number is null then ${at}::timestamptz + interval '1 hour'
        else ${at}::timestamptz - interval '1 second' end,
      last_polled_at = ${at}::timestamptz, last_ok_at = ${at}::timestamptz,
      watched_since = ${at}::timestamptz, claimed_until = null, claimed_by = null
    from policy p
    left join unnest(${indexes.map(policyNumber)}::text[]) as due (number)
      on due.number = p.policy_number
    where p.leg_id = l.id and p.policy_number ~ '^BENCH-[0-9]+$'
      and l.undecided_policies > 0`.execute(db)
}
