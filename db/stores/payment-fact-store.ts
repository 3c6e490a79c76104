/** Payments confirmed and returned, in Postgres: payout, attempt, policy and ledger in one statement. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type {
  KnownPayment,
  PaymentFactStore,
  ReturnedPayment,
} from '../../domain/ports/payment-fact-store.ts'
import type { AttemptKey } from '../../domain/ports/payout-store.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { accountSql, openCases, paidPolicies, postEntries } from './payout-sql.ts'

/** The store over `db`. */
export function createPaymentFactStore(db: Database): PaymentFactStore {
  return {
    findPayment: (input) => findPayment(db, input),
    hasOpenAttempt: (payoutId) => hasOpenAttempt(db, payoutId),
    recordConfirmed: (payment, at) => recordConfirmed(db, payment, at),
    recordReturned: (payment, at) => recordReturned(db, payment, at),
  }
}

async function findPayment(
  db: Database,
  input: Parameters<PaymentFactStore['findPayment']>[0],
): Promise<KnownPayment | null> {
  const { rows } = await sql<KnownPayment>`
    select p.id as "payoutId", a.n, p.state, a.outcome, p.amount_minor as "amountMinor"
    from payout p
    join payout_attempt a on a.payout_id = p.id
    where p.id = ${input.payoutId}::uuid and a.provider = ${input.provider}
      and a.provider_ref = ${input.transferId} and a.outcome in ('ACCEPTED', 'RETURNED')
    limit 1`.execute(db)
  return rows[0] ?? null
}

async function hasOpenAttempt(db: Database, payoutId: string): Promise<boolean> {
  const { rows } = await sql<{ n: number }>`
    select a.n from payout_attempt a
    where a.payout_id = ${payoutId}::uuid and a.outcome = 'OPEN'
    limit 1`.execute(db)
  return rows.length > 0
}

/** CTE `locked`: the payout while it is in one of these states by this transfer. */
function lockedBy(
  payment: AttemptKey & { readonly transferId: string },
  states: readonly string[],
): RawBuilder<unknown> {
  return sql`locked as materialized (
    select p.id, p.state from payout p
    where p.id = ${payment.payoutId}::uuid and p.transfer_id = ${payment.transferId}
      and p.state = any(${states}::text[])
    for update
  )`
}

async function recordConfirmed(
  db: Database,
  payment: AttemptKey & { readonly transferId: string },
  at: Instant,
): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    with ${lockedBy(payment, ['IN_TRANSIT'])}, paid as (
      update payout p set state = 'PAID', paid_at = ${at}::timestamptz, updated_at = now()
      from locked l
      join payout_attempt a on a.payout_id = l.id and a.n = ${payment.n} and a.outcome = 'ACCEPTED'
      where p.id = l.id
      returning p.id, p.policy_id, p.revision, p.amount_minor, p.currency, a.n, a.provider
    ), ${paidPolicies(at)}, entry as (
      select concat_ws(':', 'paid', paid.id, paid.n) as ref,
        ${accountSql.inFlight(sql`paid.provider`)} as source, ${accountSql.holder} as destination,
        paid.amount_minor, paid.currency
      from paid
    ), ${postEntries('paid', at)}
    select paid.id from paid`.execute(db)
  return rows.length === 1
}

async function recordReturned(
  db: Database,
  payment: ReturnedPayment,
  at: Instant,
): Promise<boolean> {
  const { n, provider, transferId, code } = payment
  const details = JSON.stringify({ attempt: n, provider, transferId, code })
  const { rows } = await sql<{ id: string }>`
    with ${lockedBy(payment, ['IN_TRANSIT', 'PAID'])}, closed as (
      update payout_attempt a set outcome = 'RETURNED', code = ${code}
      from locked l
      where a.payout_id = l.id and a.n = ${n} and a.outcome = 'ACCEPTED'
      returning a.payout_id, a.n, a.provider, l.state as was
    ), returned as (
      update payout p
      set state = 'RETURNED', transfer_id = null, paid_at = null, batch_id = null, updated_at = now()
      from closed c
      where p.id = c.payout_id
      returning p.id, p.policy_id, p.amount_minor, p.currency, c.n, c.provider, c.was
    ), entry as (
      select concat_ws(':', 'ret', r.id, r.n) as ref,
        case r.was when 'PAID' then ${accountSql.holder}
          else ${accountSql.inFlight(sql`r.provider`)} end as source,
        ${accountSql.payable(sql`r.policy_id`)} as destination, r.amount_minor, r.currency
      from returned r
    ), ${postEntries('return', at)}, faulty as (
      select r.id as payout_id, ${details}::jsonb as details from returned r
    ), reviewed as (
      ${openCases('PAYOUT_RETURNED', at)}
    ), reopened as (
      update policy o
      set state = 'IN_REVIEW', state_version = o.state_version + 1, updated_at = now()
      from returned r
      where o.id = r.policy_id and o.state in ('TRIGGERED', 'PAID', 'CLOSED')
    ), audited as (
      insert into audit_event (at, actor, action, subject, details)
      select ${at}::timestamptz, 'rail:' || r.provider, 'payout.returned', 'payout:' || r.id,
        ${details}::jsonb || jsonb_build_object('before', r.was, 'after', 'RETURNED')
      from returned r
    )
    select r.id from returned r`.execute(db)
  return rows.length === 1
}
