/** Holders' cancellations in Postgres: a policy's end before its flight, in one transaction. */
import { sql } from 'kysely'
import type { RawBuilder, Transaction } from 'kysely'

import { cancellationRefusal } from '../../domain/cancellation.ts'
import { account, ledgerRef } from '../../domain/ledger.ts'
import type { Currency, MinorUnits } from '../../domain/money.ts'
import type { PolicyState } from '../../domain/policy.ts'
import type {
  Cancellation,
  CancellationStore,
  CancelledPolicy,
} from '../../domain/ports/cancellation-store.ts'
import type { Product } from '../../domain/product.ts'
import type { Instant } from '../../domain/time.ts'
import { underwritingOf } from '../../domain/underwriting.ts'
import type { Underwriting } from '../../domain/underwriting.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'

/** The cancellation store over a database. */
export function createCancellationStore(db: Database): CancellationStore {
  return {
    cancel: (cancellation) => retriedTransaction(db, (trx) => cancel(trx, cancellation)),
  }
}

type PolicyRow = {
  readonly id: string
  readonly state: PolicyState
  readonly outcome: 'PAY' | 'NO_PAY' | null
  readonly insured_scheduled_out: Instant
  readonly premium_minor: MinorUnits | null
  readonly currency: Currency
  readonly rules: Product
  readonly terms: Underwriting | null
  readonly is_refund_offered: boolean
}

async function cancel(trx: Transaction<DB>, cancellation: Cancellation): Promise<CancelledPolicy> {
  const { policyNumber, at } = cancellation
  // The order of locks is everywhere the same: the leg, the policy, the pool. A decision or a poll of
  // the leg comes before or after, not between.
  await sql`
    select id from flight_leg
    where id = (select leg_id from policy where policy_number = ${policyNumber})
    for update`.execute(trx)
  const { rows } = await sql<PolicyRow>`
    select p.id, p.state, p.outcome, p.insured_scheduled_out, p.premium_minor, p.currency, v.rules,
      (select q.terms from quote q where q.policy_id = p.id) as terms,
      exists (
        select from endorsement e where e.policy_id = p.id and e.refund_offered
      ) as is_refund_offered
    from policy p
    join product_version v on v.id = p.product_version_id
    where p.policy_number = ${policyNumber}
    for update of p`.execute(trx)
  const [policy] = rows
  if (policy === undefined) return { kind: 'no-policy' }
  const { premium_minor: refundMinor, currency } = policy
  const cancelled = { kind: 'cancelled', policyNumber, refundMinor, currency } as const
  if (policy.state === 'CANCELLED_BY_HOLDER') return { ...cancelled, isNew: false }
  const refusal = cancellationRefusal(
    {
      state: policy.state,
      outcome: policy.outcome,
      insuredScheduledOut: policy.insured_scheduled_out,
      isRefundOffered: policy.is_refund_offered,
      terms: policy.terms ?? underwritingOf(policy.rules),
    },
    at,
  )
  if (refusal !== null) return { kind: 'refused', refusal }
  const done = await carryOut(policy.id, cancellation).execute(trx)
  if (done.rows[0]?.released !== 1) throw new Error(`policy ${policyNumber} had no reservation`)
  return { ...cancelled, isNew: true }
}

function carryOut(
  policyId: string,
  { by, reason, at, policyNumber }: Cancellation,
): RawBuilder<{ released: number }> {
  const ref = ledgerRef.cancel(policyId)
  const pool = account.poolAvailable()
  return sql<{ released: number }>`
    with cancelled as (
      update policy set state = 'CANCELLED_BY_HOLDER', state_version = state_version + 1,
        updated_at = now()
      where id = ${policyId}::uuid and state = 'BOUND' and outcome is null
      returning id, leg_id, premium_minor, currency
    ),
    released as (
      update escrow_reservation e
      set state = 'RELEASED', released_minor = e.reserved_minor, updated_at = now()
      from cancelled c
      where e.policy_id = c.id and e.state = 'RESERVED'
      returning e.policy_id, e.currency, e.reserved_minor
    ),
    entry as (
      insert into ledger_transaction (id, ref, kind, effective_at)
      select groundstop_id('ledger|' || ${ref}), ${ref}, 'cancel', ${at}::timestamptz from released
    ),
    posting as (
      insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
      select groundstop_id('ledger|' || ${ref}), ${account.escrow(policyId)}, ${pool},
        reserved_minor, currency
      from released
      union all
      select groundstop_id('ledger|' || ${ref}), ${account.unearned}, ${account.receivable},
        premium_minor, currency
      from cancelled where premium_minor > 0
    ),
    pool as (
      update pool_balance b set balance_minor = b.balance_minor + r.reserved_minor, updated_at = now()
      from released r where b.account = ${pool} and b.currency = r.currency
    ),
    leg as (
      update flight_leg l set
        undecided_policies = l.undecided_policies - 1,
        next_poll_at = case when l.undecided_policies > 1 then l.next_poll_at end,
        settled_at = case when l.undecided_policies > 1 then l.settled_at else ${at}::timestamptz end,
        updated_at = now()
      from cancelled c where l.id = c.leg_id
    ),
    audit as (
      insert into audit_event (at, actor, action, subject, details)
      select ${at}::timestamptz, ${by}, 'policy.cancel', ${`policy:${policyNumber}`},
        jsonb_build_object('reason', ${reason}::text, 'refundMinor', premium_minor, 'currency', currency)
      from cancelled
    )
    select count(*) as released from released`
}
