/** A book in the state that deciding leaves behind: policies TRIGGERED, payouts CREATED, money payable. */
import { sql } from 'kysely'

import type { Database } from '../../db/client.ts'
import { instantFromMs } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'

/** When the decisions of the book were made. */
export const DECIDED_AT: Instant = instantFromMs(Date.UTC(2013, 1, 8, 20))

export type PayoutBookOptions = {
  /** Payouts to make; one policy each. */
  readonly size: number
  /** Tells the policies of several books in one database apart. */
  readonly prefix?: string
  readonly amountMinor?: number
  readonly currency?: string
  readonly productCode?: string
  /** Payee of policy number `i`, as SQL over `i`; default an account per policy. */
  readonly payeePrefix?: string
}

/** Makes the book and returns its payouts' ids in the order of their policies' numbers. */
export async function makePayoutBook(db: Database, options: PayoutBookOptions): Promise<string[]> {
  const book = {
    prefix: 'P',
    amountMinor: 12_000,
    currency: 'USD',
    productCode: 'FD45',
    payeePrefix: 'acct_',
    ...options,
  }
  return db.transaction().execute(async (trx) => {
    const run = (query: ReturnType<typeof sql>): Promise<unknown> => query.execute(trx)
    const insured = book.amountMinor * 2
    await run(sql`
      insert into product_version (id, code, version, rules)
      values (groundstop_id('product|' || ${book.productCode} || '|1'), ${book.productCode}, 1, '{}')
      on conflict do nothing`)
    await run(sql`
      insert into flight_leg (id, leg_key, carrier, flight_number, origin, destination,
        origin_local_date, origin_zone, destination_zone, provider_ident, scheduled_out, scheduled_in)
      values (groundstop_id('leg|B6|35|JFK|PBI|2013-02-08|1'), 'B6|35|JFK|PBI|2013-02-08', 'B6', '35',
        'JFK', 'PBI', '2013-02-08', 'America/New_York', 'America/New_York', 'JBU35',
        '2013-02-08T15:00Z', '2013-02-08T18:00Z')
      on conflict do nothing`)
    await run(sql`
      insert into evaluation (id, leg_id, product_version_id, insured_scheduled_in, tzdata_version,
        facts, observation_ids, outcome, delay_min, bps, reasons, evaluated_at)
      values (groundstop_id('evaluation|' || ${book.productCode}),
        groundstop_id('leg|B6|35|JFK|PBI|2013-02-08|1'),
        groundstop_id('product|' || ${book.productCode} || '|1'), '2013-02-08T18:00Z', '2026a', '{}',
        '{}', 'PAY', 130, 5000, '{ARRIVED}', ${DECIDED_AT})
      on conflict do nothing`)
    await run(sql`
      insert into policy (id, policy_number, product_version_id, leg_id, insured_scheduled_out,
        insured_scheduled_in, sum_insured_minor, currency, payee_ref, state, outcome, bps,
        amount_minor, evaluation_id, decided_at, bound_at, cover_end)
      select groundstop_id('policy|' || k.number), k.number,
        groundstop_id('product|' || ${book.productCode} || '|1'),
        groundstop_id('leg|B6|35|JFK|PBI|2013-02-08|1'), '2013-02-08T15:00Z', '2013-02-08T18:00Z',
        ${insured}, ${book.currency}, ${book.payeePrefix}::text || k.i, 'TRIGGERED', 'PAY', 5000,
        ${book.amountMinor}, groundstop_id('evaluation|' || ${book.productCode}), ${DECIDED_AT},
        '2013-01-01T00:00Z', '2013-02-09T18:00Z'
      from (select i, ${book.prefix}::text || i as number from generate_series(1, ${book.size}::int) i) k`)
    await run(sql`
      insert into escrow_reservation (policy_id, currency, reserved_minor)
      select o.id, o.currency, ${insured}
      from policy o where o.policy_number ~ ('^' || ${book.prefix} || '[0-9]+$')`)
    await run(sql`
      update escrow_reservation e set state = 'FULFILLED', fulfilled_minor = ${book.amountMinor},
        released_minor = ${insured - book.amountMinor}
      from policy o where o.id = e.policy_id and o.policy_number ~ ('^' || ${book.prefix} || '[0-9]+$')`)
    await run(sql`
      insert into payout (id, policy_id, evaluation_id, amount_minor, currency, payee_ref)
      select groundstop_id('payout|' || o.id || '|0'), o.id, o.evaluation_id, o.amount_minor,
        o.currency, o.payee_ref
      from policy o where o.policy_number ~ ('^' || ${book.prefix} || '[0-9]+$')`)
    await postDecisions(run, book.prefix, insured * book.size)
    const { rows } = await sql<{ id: string }>`
      select p.id from payout p join policy o on o.id = p.policy_id
      where o.policy_number ~ ('^' || ${book.prefix} || '[0-9]+$')
      order by length(o.policy_number), o.policy_number`.execute(trx)
    return rows.map((row) => row.id)
  })
}

/** Capital, bind and trigger, as the ledger has them after deciding. */
async function postDecisions(
  run: (query: ReturnType<typeof sql>) => Promise<unknown>,
  prefix: string,
  capitalMinor: number,
): Promise<void> {
  await run(sql`create temporary table move (ref text, kind text, source text, destination text,
    amount_minor bigint, currency text) on commit drop`)
  await run(sql`
    insert into move
    select 'cap:' || ${prefix}, 'capital', 'equity:capital', 'pool:main:available',
      ${capitalMinor}, (select min(currency) from policy where policy_number like ${`${prefix}%`})
    union all
    select 'bind:' || o.id, 'bind', 'pool:main:available', 'escrow:' || o.id, e.reserved_minor, o.currency
    from policy o join escrow_reservation e on e.policy_id = o.id
    where o.policy_number ~ ('^' || ${prefix} || '[0-9]+$')
    union all
    select 'trig:' || p.id, 'trigger', 'escrow:' || o.id, m.destination, m.amount_minor, o.currency
    from policy o
    join escrow_reservation e on e.policy_id = o.id
    join payout p on p.policy_id = o.id
    cross join lateral (values ('payable:' || o.id, e.fulfilled_minor),
      ('pool:main:available', e.released_minor)) as m (destination, amount_minor)
    where o.policy_number ~ ('^' || ${prefix} || '[0-9]+$')`)
  await run(sql`
    insert into ledger_transaction (id, ref, kind, effective_at)
    select distinct groundstop_id('ledger|' || ref), ref, kind, ${DECIDED_AT}::timestamptz from move`)
  await run(sql`
    insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
    select groundstop_id('ledger|' || ref), source, destination, amount_minor, currency from move`)
  await run(sql`
    insert into pool_balance (account, currency, balance_minor)
    select 'pool:main:available', currency, sum(case when kind = 'bind' then -amount_minor
      when destination = 'pool:main:available' then amount_minor else 0 end)
    from move group by currency
    on conflict (account, currency)
      do update set balance_minor = pool_balance.balance_minor + excluded.balance_minor`)
}
