/**
 * Attempts that end without money moved, in Postgres: looked up and found absent, or put off because
 * the rail has no balance. The payout is APPROVED again and gets a new attempt with a new key.
 */
import { sql } from 'kysely'

import { RAIL_PROBE_MS } from '../../domain/payout-controls.ts'
import type { PayoutState } from '../../domain/payout.ts'
import type {
  AttemptKey,
  PayoutStore,
  PayoutToResolve,
  RejectedAnswer,
} from '../../domain/ports/payout-store.ts'
import { addMs } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { answersWith, byPayout, moneyOf, reversalOf, type MoneyRow } from './payout-attempt-sql.ts'
import {
  businessDay,
  isAboveLimit,
  openControlCase,
  postEntries,
  reviewFaulty,
} from './payout-sql.ts'

type PayoutResolutions = Pick<
  PayoutStore,
  'readForResolving' | 'recordAbsence' | 'abandonAttempt' | 'recordPostponed'
>

/** The part of the payout store that ends attempts without payment. */
export function createPayoutResolutions(db: Database): PayoutResolutions {
  return {
    readForResolving: (payoutId) => readForResolving(db, payoutId),
    recordAbsence: (attempt, at) => recordAbsence(db, attempt, at),
    abandonAttempt: (attempt, at) => abandonAttempt(db, attempt, at),
    recordPostponed: (answers, at) => recordPostponed(db, byPayout(answers), at),
  }
}

type ResolveRow = MoneyRow & {
  id: string
  state: PayoutState
  payee_ref: string
  n: number | null
  provider: string | null
  started_at: Instant | null
  server_errors: number | null
  absent_since: Instant | null
}

async function readForResolving(db: Database, payoutId: string): Promise<PayoutToResolve | null> {
  const { rows } = await sql<ResolveRow>`
    select p.id, p.state, p.amount_minor, p.currency, p.payee_ref,
      a.n, a.provider, a.started_at, a.server_errors, a.absent_since
    from payout p
    left join payout_attempt a on a.payout_id = p.id and a.outcome = 'OPEN'
    where p.id = ${payoutId}::uuid`.execute(db)
  const row = rows[0]
  if (row === undefined) return null
  const { n, provider, started_at: startedAt, server_errors: serverErrors } = row
  const hasAttempt = n !== null && provider !== null && startedAt !== null && serverErrors !== null
  return {
    payoutId: row.id,
    state: row.state,
    amount: moneyOf(row),
    payeeRef: row.payee_ref,
    attempt: hasAttempt
      ? { payoutId: row.id, n, provider, startedAt, serverErrors, absentSince: row.absent_since }
      : null,
  }
}

async function recordAbsence(db: Database, attempt: AttemptKey, at: Instant): Promise<void> {
  await sql`
    update payout_attempt a set absent_since = ${at}::timestamptz
    where a.payout_id = ${attempt.payoutId}::uuid and a.n = ${attempt.n}
      and a.outcome = 'OPEN' and a.absent_since is null`.execute(db)
}

async function abandonAttempt(
  db: Database,
  attempt: AttemptKey,
  at: Instant,
): Promise<'APPROVED' | 'FAILED' | null> {
  const { rows } = await sql<{ state: 'APPROVED' | 'FAILED' }>`
    with ${answersWith([attempt], sql`code`, sql`array['ABSENT']::text[]`)}, closed as (
      update payout_attempt a
      set outcome = 'UNKNOWN', code = x.code, finished_at = ${at}::timestamptz
      from locked x
      where a.payout_id = x.payout_id and a.n = x.n and a.outcome = 'OPEN'
      returning a.payout_id, a.n, a.provider
    ), freed as (
      update payout p
      set state = case when ${isAboveLimit()} then 'FAILED' else 'APPROVED' end, updated_at = now()
      from closed c
      where p.id = c.payout_id
      returning p.id, p.policy_id, p.amount_minor, p.currency, p.state, c.n, c.provider
    ), ${reversalOf(sql`freed`)}, ${postEntries('fail', at)}, faulty as (
      select f.id as payout_id, jsonb_build_object('attempt', f.n) as details
      from freed f
      where f.state = 'FAILED'
    ), ${reviewFaulty('NEW_ATTEMPT_ABOVE_LIMIT', at)}
    select f.state from freed f`.execute(db)
  return rows[0]?.state ?? null
}

async function recordPostponed(
  db: Database,
  answers: readonly RejectedAnswer[],
  at: Instant,
): Promise<void> {
  if (answers.length === 0) return
  const codes = answers.map((answer) => answer.code)
  await sql`
    with ${answersWith(answers, sql`code`, sql`${codes}::text[]`)}, closed as (
      update payout_attempt a
      set outcome = 'DEFINITE_FAIL', code = x.code, sends = a.sends + 1,
        finished_at = ${at}::timestamptz
      from locked x
      where a.payout_id = x.payout_id and a.n = x.n and a.outcome = 'OPEN'
      returning a.payout_id, a.n, a.provider
    ), waiting as (
      update payout p
      set state = 'APPROVED', updated_at = now()
      from closed c
      where p.id = c.payout_id
      returning p.id, p.policy_id, p.amount_minor, p.currency, c.n, c.provider
    ), ${reversalOf(sql`waiting`)}, ${postEntries('fail', at)}, held as (
      insert into rail_hold (provider, currency, held_since, next_probe_at)
      select w.provider, w.currency, ${at}::timestamptz,
        ${addMs(at, RAIL_PROBE_MS)}::timestamptz
      from waiting w
      group by w.provider, w.currency
      order by w.provider, w.currency
      on conflict (provider, currency) do nothing
    ), dry as (
      select concat_ws('|', 'rail', w.provider, ${businessDay(at)}) as subject,
        jsonb_build_object('provider', w.provider, 'day', ${businessDay(at)},
          'currencies', jsonb_agg(distinct w.currency)) as details
      from waiting w
      group by w.provider
    ), dry_case as (
      ${openControlCase('RAIL_BALANCE_EXHAUSTED', sql`dry`, at)}
    )
    select count(*) from closed`.execute(db)
}
