/** Plans of providers' keys in Postgres. Every time is the database's wall clock. */
import { sql } from 'kysely'

import type { AllowanceKey } from '../../domain/ports/call-allowance.ts'
import type { PlanStore, StoredPlan } from '../../domain/ports/plan-store.ts'
import type { PlanFinding, PlanVerdict, ProviderPlan } from '../../domain/provider-plan.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** The store over `db`. */
export function createPlanStore(db: Database): PlanStore {
  return {
    find: (key) => find(db, key),
    claim: (key, leaseMs) => claim(db, key, leaseMs),
    save: (key, plan, againMs) => save(db, key, plan, againMs),
    makeDue: (provider) => makeDue(db, provider ?? null),
  }
}

/** The columns that a plan is made of. */
export type PlanRow = {
  readonly present: PlanVerdict
  readonly past: PlanVerdict
  readonly future: PlanVerdict
  readonly present_reason: string | null
  readonly past_reason: string | null
  readonly future_reason: string | null
}

/** The plan of a row. */
export function planOf(row: PlanRow): ProviderPlan {
  return {
    present: finding(row.present, row.present_reason),
    past: finding(row.past, row.past_reason),
    future: finding(row.future, row.future_reason),
  }
}

function finding(verdict: PlanVerdict, reason: string | null): PlanFinding {
  return { verdict, reason }
}

async function find(db: Database, { provider, keyId }: AllowanceKey): Promise<StoredPlan | null> {
  const { rows } = await sql<
    PlanRow & { readonly probed_at: Instant | null; readonly due_at: Instant }
  >`
    select present, past, future, present_reason, past_reason, future_reason, probed_at, due_at
    from provider_plan where provider = ${provider} and key_id = ${keyId}`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  return { provider, keyId, plan: planOf(row), probedAt: row.probed_at, dueAt: row.due_at }
}

async function claim(
  db: Database,
  { provider, keyId }: AllowanceKey,
  leaseMs: number,
): Promise<boolean> {
  const { rows } = await sql`
    insert into provider_plan as p (provider, key_id, claimed_until)
    values (${provider}, ${keyId}, clock_timestamp() + ${leaseMs} * interval '1 millisecond')
    on conflict (provider, key_id) do update
      set claimed_until = excluded.claimed_until, updated_at = now()
      where p.due_at <= clock_timestamp()
        and (p.claimed_until is null or p.claimed_until <= clock_timestamp())
    returning provider`.execute(db)
  return rows.length > 0
}

async function save(
  db: Database,
  { provider, keyId }: AllowanceKey,
  { present, past, future }: ProviderPlan,
  againMs: number,
): Promise<void> {
  await sql`
    update provider_plan set present = ${present.verdict}, past = ${past.verdict},
      future = ${future.verdict}, present_reason = ${present.reason}, past_reason = ${past.reason},
      future_reason = ${future.reason}, probed_at = clock_timestamp(),
      due_at = clock_timestamp() + ${againMs} * interval '1 millisecond',
      claimed_until = null, updated_at = now()
    where provider = ${provider} and key_id = ${keyId}`.execute(db)
}

async function makeDue(db: Database, provider: string | null): Promise<string[]> {
  const { rows } = await sql<{ provider: string }>`
    with due as (
      update provider_plan set due_at = now(), updated_at = now()
      where ${provider}::text is null or provider = ${provider}
      returning provider
    )
    select distinct provider from due order by provider`.execute(db)
  return rows.map((row) => row.provider)
}
