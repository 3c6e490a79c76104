/** Binding a page of policies: legs, policies, escrow, ledger and the pool, in one transaction. */
import { sql } from 'kysely'
import type { RawBuilder, Transaction } from 'kysely'

import { account, ledgerRef } from '../../domain/ledger.ts'
import { MAX_BIND_PAGE } from '../../domain/ports/policy-store.ts'
import type { BindPage, BindResult, NewLeg, NewPolicy } from '../../domain/ports/policy-store.ts'
import type { DB } from '../types.generated.ts'
import { createAuditLog } from './audit-log.ts'

/**
 * Binds a page within the caller's transaction. Locks are taken in the same order as everywhere: legs
 * by id, policies, the pool.
 */
export async function bindPage(trx: Transaction<DB>, page: BindPage): Promise<BindResult> {
  await insertLegs(trx, page.legs)
  const legKeys = page.legs.map((leg) => leg.legKey)
  await sql`
    select id from flight_leg
    where id in (select groundstop_id('leg|' || k || '|1') from unnest(${legKeys}::text[]) as k)
    order by id for update`.execute(trx)
  const present = await sql<{ policy_number: string }>`
    select policy_number from policy
    where policy_number = any(${page.policies.map((policy) => policy.policyNumber)}::text[])
    limit ${MAX_BIND_PAGE}`.execute(trx)
  const presentNumbers = new Set(present.rows.map((row) => row.policy_number))
  const fresh = page.policies.filter((policy) => !presentNumbers.has(policy.policyNumber))
  const balances = await lockPool(trx, fresh, page)
  const affordable = fresh.filter((policy) => takeFrom(balances, policy))
  const bound = await insertPolicies(trx, affordable, page)
  await noteBinding(trx, bound, page)
  const boundNumbers = new Set(bound)
  const affordableNumbers = new Set(affordable.map((policy) => policy.policyNumber))
  const numbers = page.policies.map((policy) => policy.policyNumber)
  return {
    bound,
    alreadyBound: numbers.filter(
      (number) =>
        presentNumbers.has(number) || (affordableNumbers.has(number) && !boundNumbers.has(number)),
    ),
    poolShort: numbers.filter(
      (number) => !presentNumbers.has(number) && !affordableNumbers.has(number),
    ),
  }
}

/** One event a page, as a book of a million policies must not fill the trail. */
async function noteBinding(
  trx: Transaction<DB>,
  bound: readonly string[],
  { boundBy, now }: BindPage,
): Promise<void> {
  const numbers = bound.toSorted()
  const [first] = numbers
  if (boundBy === undefined || first === undefined) return
  const subject = numbers.length === 1 ? `policy:${first}` : 'policies'
  const after = { policies: numbers.length, first, last: numbers.at(-1) }
  await createAuditLog(trx).record({
    at: now,
    actor: boundBy,
    action: 'policy.bind',
    subject,
    details: { before: null, after },
  })
}

/** Stores the legs that are not stored yet, within the caller's transaction. */
export async function insertLegs(trx: Transaction<DB>, legs: readonly NewLeg[]): Promise<void> {
  await sql`
    insert into flight_leg (id, leg_key, carrier, flight_number, origin, destination,
      origin_local_date, origin_zone, destination_zone, provider_ident, scheduled_out, scheduled_in,
      next_poll_at, poll_phase, poll_reason, next_timetable_at)
    select groundstop_id('leg|' || r.leg_key || '|1'), r.*
    from unnest(
      ${legs.map((leg) => leg.legKey)}::text[],
      ${legs.map((leg) => leg.carrier)}::text[],
      ${legs.map((leg) => leg.flightNumber)}::text[],
      ${legs.map((leg) => leg.origin)}::text[],
      ${legs.map((leg) => leg.destination)}::text[],
      ${legs.map((leg) => leg.originLocalDate)}::date[],
      ${legs.map((leg) => leg.originZone)}::text[],
      ${legs.map((leg) => leg.destinationZone)}::text[],
      ${legs.map((leg) => leg.providerIdent)}::text[],
      ${legs.map((leg) => leg.scheduledOut)}::timestamptz[],
      ${legs.map((leg) => leg.scheduledIn)}::timestamptz[],
      ${legs.map((leg) => leg.firstPollAt)}::timestamptz[],
      ${legs.map((leg) => leg.pollPhase)}::text[],
      ${legs.map((leg) => leg.pollReason)}::text[],
      ${legs.map((leg) => leg.firstTimetableAt)}::timestamptz[]
    ) as r (leg_key, carrier, flight_number, origin, destination, origin_local_date, origin_zone,
      destination_zone, provider_ident, scheduled_out, scheduled_in, next_poll_at, poll_phase,
      poll_reason, next_timetable_at)
    order by r.leg_key
    on conflict do nothing`.execute(trx)
}

/** Pays the founding capital of currencies used for the first time; returns the pool, locked. */
async function lockPool(
  trx: Transaction<DB>,
  policies: readonly NewPolicy[],
  page: BindPage,
): Promise<Map<string, bigint>> {
  const currencies = [...new Set(policies.map((policy) => policy.currency))]
  const pool = account.poolAvailable()
  await sql`
    with founding as (
      select c, ${ledgerRef.capital('founding:')} || c as ref
      from unnest(${currencies}::text[]) as c
    ),
    paid as (
      insert into ledger_transaction (id, ref, kind, effective_at)
      select groundstop_id('ledger|' || ref), ref, 'capital', ${page.now}::timestamptz
      from founding order by ref
      on conflict do nothing
      returning id, ref
    ),
    posted as (
      insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
      select p.id, ${account.capital}, ${pool}, ${page.capacityMinor}::bigint, f.c
      from paid p join founding f on f.ref = p.ref
      returning currency, amount_minor
    )
    insert into pool_balance (account, currency, balance_minor)
    select ${pool}, currency, amount_minor from posted order by currency
    on conflict (account, currency)
      do update set balance_minor = pool_balance.balance_minor + excluded.balance_minor,
        updated_at = now()`.execute(trx)
  const { rows } = await sql<{ currency: string; balance_minor: string }>`
    select currency, balance_minor from pool_balance
    where account = ${pool} and currency = any(${currencies}::text[])
    order by currency for update`.execute(trx)
  return new Map(rows.map((row) => [row.currency, BigInt(row.balance_minor)]))
}

function takeFrom(balances: Map<string, bigint>, policy: NewPolicy): boolean {
  const balance = balances.get(policy.currency) ?? 0n
  const rest = balance - BigInt(policy.sumInsuredMinor)
  if (rest < 0n) return false
  balances.set(policy.currency, rest)
  return true
}

function policyRows(page: BindPage, policies: readonly NewPolicy[]): RawBuilder<unknown> {
  const firstPollAt = new Map(page.legs.map((leg) => [leg.legKey, leg.firstPollAt]))
  return sql`
      select groundstop_id('policy|' || policy_number) as id,
        groundstop_id('leg|' || leg_key || '|1') as leg_id, u.*
      from unnest(
        ${policies.map((policy) => policy.policyNumber)}::text[],
        ${policies.map((policy) => policy.productVersionId)}::uuid[],
        ${policies.map((policy) => policy.legKey)}::text[],
        ${policies.map((policy) => policy.marketingIdent)}::text[],
        ${policies.map((policy) => policy.insuredScheduledOut)}::timestamptz[],
        ${policies.map((policy) => policy.insuredScheduledIn)}::timestamptz[],
        ${policies.map((policy) => policy.sumInsuredMinor)}::bigint[],
        ${policies.map((policy) => policy.currency)}::text[],
        ${policies.map((policy) => policy.premiumMinor)}::bigint[],
        ${policies.map((policy) => policy.payeeRef)}::text[],
        ${policies.map((policy) => policy.boundAt)}::timestamptz[],
        ${policies.map((policy) => policy.coverEnd)}::timestamptz[],
        ${policies.map((policy) => policy.tenant)}::text[],
        ${policies.map((policy) => firstPollAt.get(policy.legKey) ?? page.now)}::timestamptz[]
      ) as u (policy_number, product_version_id, leg_key, marketing_ident, insured_scheduled_out,
        insured_scheduled_in, sum_insured_minor, currency, premium_minor, payee_ref, bound_at,
        cover_end, tenant, first_poll_at)`
}

async function insertPolicies(
  trx: Transaction<DB>,
  policies: readonly NewPolicy[],
  page: BindPage,
): Promise<string[]> {
  const { rows } = await sql<{ policy_number: string }>`
    with r as (${policyRows(page, policies)}),
    bound as (
      insert into policy (id, policy_number, product_version_id, leg_id, marketing_ident,
        insured_scheduled_out, insured_scheduled_in, sum_insured_minor, currency, premium_minor,
        payee_ref, state, bound_at, cover_end, tenant)
      select id, policy_number, product_version_id, leg_id, marketing_ident,
        insured_scheduled_out, insured_scheduled_in, sum_insured_minor, currency, premium_minor,
        payee_ref, 'BOUND', bound_at, cover_end, tenant
      from r order by policy_number
      on conflict do nothing
      returning id, policy_number, leg_id, sum_insured_minor, premium_minor, currency
    ),
    escrow as (
      insert into escrow_reservation (policy_id, currency, reserved_minor)
      select id, currency, sum_insured_minor from bound
    ),
    entry as (
      insert into ledger_transaction (id, ref, kind, effective_at)
      select groundstop_id('ledger|' || ref), ref, 'bind', ${page.now}::timestamptz
      from (select ${ledgerRef.bind('')} || id as ref from bound) as b
    ),
    posting as (
      insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
      select groundstop_id('ledger|' || ${ledgerRef.bind('')} || id), ${account.poolAvailable()},
        ${account.escrow('')} || id, sum_insured_minor, currency
      from bound
      union all
      select groundstop_id('ledger|' || ${ledgerRef.bind('')} || id), ${account.receivable},
        ${account.unearned}, premium_minor, currency
      from bound where premium_minor > 0
    ),
    pool as (
      update pool_balance p set balance_minor = p.balance_minor - s.total, updated_at = now()
      from (select currency, sum(sum_insured_minor) as total from bound group by currency) as s
      where p.account = ${account.poolAvailable()} and p.currency = s.currency
    ),
    leg as (
      update flight_leg l set undecided_policies = l.undecided_policies + s.policies,
        watched_since = case when l.undecided_policies = 0 then ${page.now}::timestamptz
          else l.watched_since end,
        next_poll_at = case when l.next_poll_at is null then ${page.now}::timestamptz
          else least(l.next_poll_at, s.first_poll_at) end,
        settled_at = null, updated_at = now()
      from (
        select b.leg_id, count(*)::integer as policies, min(r.first_poll_at) as first_poll_at
        from bound b join r on r.id = b.id group by b.leg_id
      ) as s
      where l.id = s.leg_id
    ),
    told as (
      -- Cover that another system bound was confirmed by it.
      insert into notification_fact (kind, policy_id, occasion)
      select 'BOUND', b.id, '' from bound b join r on r.id = b.id
      where r.bound_at = ${page.now}::timestamptz
    )
    select policy_number from bound`.execute(trx)
  return rows.map((row) => row.policy_number)
}
