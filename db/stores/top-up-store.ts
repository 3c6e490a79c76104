/** Further payouts in Postgres: judged under the policy's lock, then written with their ledger. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import { account, ledgerRef } from '../../domain/ledger.ts'
import type {
  TopUp,
  TopUpOutcome,
  TopUpRefusal,
  TopUpStore,
} from '../../domain/ports/top-up-store.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { accountSql, postEntries } from './payout-sql.ts'

/** The top-up store over `db`. */
export function createTopUpStore(db: Database): TopUpStore {
  return { topUp: (topUp) => retriedTransaction(db, (trx) => makeTopUp(trx, topUp)) }
}

type PolicyRow = {
  outcome: string | null
  currency: string
  is_unsettled: boolean
  has_evaluation: boolean
  /** What all payouts together may still come to; decimal text. */
  room_minor: string
  last_revision: number
}

async function makeTopUp(trx: Transaction<DB>, topUp: TopUp): Promise<TopUpOutcome> {
  // Two top-ups of a policy take turns from here on. Locks in the order of everywhere: policy, pool.
  await sql`select id from policy where id = ${topUp.policyId}::uuid for update`.execute(trx)
  const repeated = await findByDecision(trx, topUp)
  if (repeated !== null) return repeated
  const policy = await readPolicy(trx, topUp)
  const why = policy === null ? 'no-such-policy' : refusalOf(policy, topUp)
  if (why !== null || policy === null) return { kind: 'refused', why: why ?? 'no-such-policy' }
  if (!(await takeFromPool(trx, topUp.difference))) return { kind: 'refused', why: 'pool-short' }
  const { policyId, evaluationId, difference } = topUp
  const revision = policy.last_revision + 1
  const payout = { policyId, revision, evaluationId, minor: difference.minor }
  const [payoutId] = await writeTopUps(trx, [payout], topUp)
  if (payoutId === undefined) throw new Error(`policy ${policyId} has no payout`)
  await reopenPolicies(trx, [policyId])
  return { kind: 'made', payoutId, revision, isNew: true }
}

const REOPENING: readonly (readonly [from: readonly string[], to: string])[] = [
  [['PAID', 'EXPIRED', 'CLOSED'], 'IN_REVIEW'],
  [['IN_REVIEW'], 'TRIGGERED'],
]

async function findByDecision(trx: Transaction<DB>, topUp: TopUp): Promise<TopUpOutcome | null> {
  const { rows } = await sql<{ id: string; revision: number; is_same: boolean }>`
    select p.id, p.revision, p.currency = ${topUp.difference.currency}
      and p.amount_minor = ${topUp.difference.minor} as is_same
    from payout p
    where p.policy_id = ${topUp.policyId}::uuid and p.decision_ref = ${topUp.decisionRef}
    limit 1`.execute(trx)
  const [row] = rows
  if (row === undefined) return null
  if (!row.is_same) return { kind: 'refused', why: 'decision-reused' }
  return { kind: 'made', payoutId: row.id, revision: row.revision, isNew: false }
}

async function readPolicy(trx: Transaction<DB>, topUp: TopUp): Promise<PolicyRow | null> {
  const { rows } = await sql<PolicyRow>`
    select o.outcome, o.currency,
      coalesce(bool_or(p.state not in ('PAID', 'CANCELLED')), false) as is_unsettled,
      exists (
        select from evaluation e
        where e.id = coalesce(${topUp.evaluationId}::uuid, o.evaluation_id) and e.outcome = 'PAY'
          and e.leg_id = o.leg_id and e.product_version_id = o.product_version_id
      ) as has_evaluation,
      (o.sum_insured_minor - coalesce(sum(p.amount_minor)
        filter (where p.state <> 'CANCELLED'), 0))::text as room_minor,
      coalesce(max(p.revision), 0) as last_revision
    from policy o
    left join payout p on p.policy_id = o.id
    where o.id = ${topUp.policyId}::uuid
    group by o.id`.execute(trx)
  return rows[0] ?? null
}

function refusalOf(policy: PolicyRow, { difference }: TopUp): TopUpRefusal | null {
  if (policy.outcome !== 'PAY') return 'not-paying'
  if (difference.minor <= 0) return 'not-higher'
  if (difference.currency !== policy.currency) return 'other-currency'
  if (policy.is_unsettled) return 'unsettled'
  if (!policy.has_evaluation) return 'no-such-evaluation'
  return BigInt(difference.minor) > BigInt(policy.room_minor) ? 'above-insured' : null
}

/** A further payout to be written. */
export type NewTopUp = {
  readonly policyId: string
  readonly revision: number
  /** Null for the policy's own. */
  readonly evaluationId: string | null
  readonly minor: number
}

/** Whether the pool held the sum and it was taken. */
export async function takeFromPool(
  trx: Transaction<DB>,
  sum: { readonly minor: number | bigint; readonly currency: string },
): Promise<boolean> {
  const minor = sql`${String(sum.minor)}::numeric`
  const { rows } = await sql<{ account: string }>`
    update pool_balance b
    set balance_minor = b.balance_minor - ${minor}, updated_at = now()
    where b.account = ${account.poolAvailable()} and b.currency = ${sum.currency}
      and b.balance_minor >= ${minor}
    returning b.account`.execute(trx)
  return rows.length === 1
}

/**
 * Writes payouts out of the pool with their ledger and audit trail; their ids. A first payout is made
 * where the policy was denied and its reservation is gone; it has its decision in the audit trail alone.
 */
export async function writeTopUps(
  trx: Transaction<DB>,
  payouts: readonly NewTopUp[],
  { decisionRef, by, reason, at }: Pick<TopUp, 'decisionRef' | 'by' | 'reason' | 'at'>,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with made as (
      insert into payout
        (id, policy_id, revision, evaluation_id, amount_minor, currency, payee_ref, decision_ref)
      select groundstop_id(concat_ws('|', 'payout', o.id, u.revision)), o.id, u.revision,
        coalesce(u.evaluation_id, o.evaluation_id), u.minor, o.currency, o.payee_ref,
        case when u.revision > 0 then ${decisionRef}::text end
      from unnest(
        ${payouts.map(({ policyId }) => policyId)}::uuid[],
        ${payouts.map(({ revision }) => revision)}::integer[],
        ${payouts.map(({ evaluationId }) => evaluationId)}::uuid[],
        ${payouts.map(({ minor }) => minor)}::bigint[]
      ) as u (policy_id, revision, evaluation_id, minor)
      join policy o on o.id = u.policy_id
      returning id, policy_id, revision, amount_minor, currency
    ), entry as (
      select ${ledgerRef.trigger('')}::text || m.id as ref, ${account.poolAvailable()}::text as source,
        ${accountSql.payable(sql`m.policy_id`)} as destination, m.amount_minor, m.currency
      from made m
    ), ${postEntries('trigger', at)}, audited as (
      insert into audit_event (at, actor, action, subject, details)
      select ${at}::timestamptz, ${by}, 'payout.top-up', 'payout:' || m.id,
        jsonb_build_object('policyId', m.policy_id, 'revision', m.revision,
          'decisionRef', ${decisionRef}::text, 'amountMinor', m.amount_minor,
          'currency', m.currency, 'reason', ${reason}::text)
      from made m
    )
    select id from made`.execute(trx)
  if (rows.length !== payouts.length) throw new Error('a policy vanished under its lock')
  return rows.map(({ id }) => id)
}

/** Brings policies that had come to their end back to TRIGGERED; others stay. */
export async function reopenPolicies(
  trx: Transaction<DB>,
  policyIds: readonly string[],
): Promise<void> {
  // Two legal steps: whoever looks back from a paid or closed policy goes through review.
  for (const [from, to] of REOPENING) {
    await sql`
      update policy o
      set state = ${to}, state_version = o.state_version + 1, updated_at = now()
      where o.id = any(${policyIds}::uuid[]) and o.state = any(${from}::text[])`.execute(trx)
  }
}
