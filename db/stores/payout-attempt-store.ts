/**
 * Attempts to pay in Postgres: opened before anything is sent, closed by what was heard. Every
 * statement locks its payouts in the order of their ids, so that two of them cannot block each other,
 * and moves the ledger with the state. Data flows from CTE to CTE by `returning`: the planner takes a
 * CTE for one row and would join two of them by comparing all pairs (60 of 120 ms for 500 payouts).
 */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import { currency, minorUnits } from '../../domain/money.ts'
import type { Money } from '../../domain/money.ts'
import type { PayoutState } from '../../domain/payout.ts'
import { RESEND_LIMIT_MS, STORED_ERROR_LIMIT } from '../../domain/payout-resolution.ts'
import type {
  AcceptedAnswer,
  AttemptKey,
  MismatchedAnswer,
  OpenAttempt,
  PayoutSelection,
  PayoutStore,
  PayoutToResolve,
  RejectedAnswer,
  UnknownAnswer,
} from '../../domain/ports/payout-store.ts'
import { addMs } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import {
  accountSql,
  isAboveLimit,
  isPaused,
  isSelected,
  openCases,
  postEntries,
  requestSha256,
  reviewFaulty,
} from './payout-sql.ts'

type PayoutAttempts = Pick<
  PayoutStore,
  | 'openAttempts'
  | 'listSendableAttempts'
  | 'recordAccepted'
  | 'recordRejected'
  | 'recordUnknown'
  | 'recordMismatched'
  | 'readForResolving'
  | 'recordAbsence'
  | 'abandonAttempt'
>

/** The part of the payout store that speaks of attempts. */
export function createPayoutAttempts(db: Database): PayoutAttempts {
  return {
    openAttempts: (selection, attempt) => openAttempts(db, selection, attempt),
    listSendableAttempts: (selection, attempt) => listSendableAttempts(db, selection, attempt),
    recordAccepted: (answers, at) => recordAccepted(db, byPayout(answers), at),
    recordRejected: (answers, at) => recordRejected(db, byPayout(answers), at),
    recordUnknown: (answers) => recordUnknown(db, byPayout(answers)),
    recordMismatched: (answers, at) => recordMismatched(db, byPayout(answers), at),
    readForResolving: (payoutId) => readForResolving(db, payoutId),
    recordAbsence: (attempt, at) => recordAbsence(db, attempt, at),
    abandonAttempt: (attempt, at) => abandonAttempt(db, attempt, at),
  }
}

async function openAttempts(
  db: Database,
  selection: PayoutSelection,
  attempt: { readonly provider: string; readonly at: Instant },
): Promise<number> {
  const { provider, at } = attempt
  const { rows } = await sql<{ opened: number }>`
    with chosen as materialized (
      select p.id
      from payout p
      where ${isSelected(selection)} and p.state = 'APPROVED' and not ${isPaused(sql`p.policy_id`)}
      order by p.id
      for update of p
    ), numbered as materialized (
      select c.id, (
        select coalesce(max(a.n), 0) + 1 from payout_attempt a where a.payout_id = c.id
      ) as n
      from chosen c
    ), moved as (
      update payout p
      set state = 'SUBMITTED', updated_at = now()
      from numbered c
      where p.id = c.id
      returning p.id, p.policy_id, p.amount_minor, p.currency, p.payee_ref, c.n,
        'po_' || p.id || '_' || c.n as idempotency_key
    ), opened as (
      insert into payout_attempt
        (payout_id, n, idempotency_key, request_sha256, provider, started_at)
      select p.id, p.n, p.idempotency_key, ${requestSha256(sql`p.idempotency_key`)},
        ${provider}, ${at}::timestamptz
      from moved p
    ), entry as (
      select concat_ws(':', 'sub', p.id, p.n) as ref,
        ${accountSql.payable(sql`p.policy_id`)} as source,
        ${accountSql.inFlight(sql`${provider}::text`)} as destination, p.amount_minor, p.currency
      from moved p
    ), ${postEntries('submit', at)}
    select count(*) as opened from moved`.execute(db)
  return rows[0]?.opened ?? 0
}

async function listSendableAttempts(
  db: Database,
  selection: PayoutSelection,
  attempt: { readonly provider: string; readonly now: Instant },
): Promise<OpenAttempt[]> {
  // What domain/payout-resolution.ts `nextStep` calls `resend`, over many rows.
  const { rows } = await sql<OpenAttemptRow>`
    select p.id, p.policy_id, a.n, a.idempotency_key, p.amount_minor, p.currency, p.payee_ref
    from payout p
    join payout_attempt a on a.payout_id = p.id and a.outcome = 'OPEN'
    where ${isSelected(selection)} and p.state = 'SUBMITTED'
      and a.provider = ${attempt.provider}
      and a.started_at > ${addMs(attempt.now, -RESEND_LIMIT_MS)}::timestamptz
      and a.server_errors < ${STORED_ERROR_LIMIT}
      and a.absent_since is null
      and a.request_sha256 = ${requestSha256(sql`a.idempotency_key`)}
    order by p.id`.execute(db)
  return rows.map((row) => ({
    payoutId: row.id,
    policyId: row.policy_id,
    n: row.n,
    idempotencyKey: row.idempotency_key,
    amount: moneyOf(row),
    payeeRef: row.payee_ref,
  }))
}

type Fragment = RawBuilder<unknown>

type MoneyRow = { amount_minor: number; currency: string }

type OpenAttemptRow = MoneyRow & {
  id: string
  policy_id: string
  n: number
  idempotency_key: string
  payee_ref: string
}

function moneyOf(row: MoneyRow): Money {
  return { minor: minorUnits(row.amount_minor), currency: currency(row.currency) }
}

async function recordAccepted(
  db: Database,
  answers: readonly AcceptedAnswer[],
  at: Instant,
): Promise<void> {
  if (answers.length === 0) return
  const transferIds = answers.map((answer) => answer.transferId)
  const { rows } = await sql<{ payout_id: string }>`
    with ${answersWith(answers, sql`transfer_id`, sql`${transferIds}::text[]`)}, closed as (
      update payout_attempt a
      set outcome = 'ACCEPTED', provider_ref = x.transfer_id, sends = a.sends + 1, code = null,
        finished_at = ${at}::timestamptz
      from locked x
      where a.payout_id = x.payout_id and a.n = x.n and a.outcome = 'OPEN'
      returning a.payout_id, a.n, a.provider, a.provider_ref
    ), paid as (
      update payout p
      set state = 'PAID', transfer_id = c.provider_ref, paid_at = ${at}::timestamptz,
        updated_at = now()
      from closed c
      where p.id = c.payout_id
      returning p.id, p.policy_id, p.amount_minor, p.currency, c.n, c.provider
    ), paid_policies as (
      update policy o
      set state = 'PAID', state_version = o.state_version + 1, updated_at = now()
      from paid
      where o.id = paid.policy_id and o.state = 'TRIGGERED'
    ), entry as (
      select concat_ws(':', 'paid', paid.id, paid.n) as ref,
        ${accountSql.inFlight(sql`paid.provider`)} as source, ${accountSql.holder} as destination,
        paid.amount_minor, paid.currency
      from paid
    ), ${postEntries('paid', at)}
    select c.payout_id from closed c`.execute(db)
  if (rows.length === answers.length) return
  const closed = new Set(rows.map((row) => row.payout_id))
  await reviewUnexpected(
    db,
    answers.filter((answer) => !closed.has(answer.payoutId)),
    at,
  )
}

/** A second sender's answer about the same transfer is well; any other money needs a person. */
async function reviewUnexpected(
  db: Database,
  answers: readonly AcceptedAnswer[],
  at: Instant,
): Promise<void> {
  const payoutIds = answers.map((answer) => answer.payoutId)
  const transferIds = answers.map((answer) => answer.transferId)
  await sql`
    with faulty as (
      select x.payout_id, jsonb_build_object('transferId', x.transfer_id) as details
      from unnest(${payoutIds}::uuid[], ${transferIds}::text[]) as x (payout_id, transfer_id)
      where not exists (
        select from payout_attempt a
        where a.payout_id = x.payout_id and a.provider_ref = x.transfer_id
      )
    )
    ${openCases('UNEXPECTED_TRANSFER', at)}`.execute(db)
}

async function recordRejected(
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
      returning a.payout_id, a.n, a.provider, a.code
    ), failed as (
      update payout p
      set state = 'FAILED', updated_at = now()
      from closed c
      where p.id = c.payout_id
      returning p.id, p.policy_id, p.amount_minor, p.currency, c.n, c.provider
    ), ${reversalOf(sql`failed`)}, ${postEntries('fail', at)}, faulty as (
      select c.payout_id, jsonb_build_object('code', c.code, 'attempt', c.n) as details
      from closed c
    ), ${reviewFaulty('PAYOUT_REJECTED', at)}
    select count(*) from closed`.execute(db)
}

async function recordUnknown(db: Database, answers: readonly UnknownAnswer[]): Promise<void> {
  if (answers.length === 0) return
  const columns = sql`code, is_storable`
  const codes = answers.map((answer) => answer.code)
  const flags = answers.map((answer) => answer.isStorable)
  await sql`
    with ${answersWith(answers, columns, sql`${codes}::text[], ${flags}::boolean[]`)}
    update payout_attempt a
    set sends = a.sends + 1, code = x.code,
      server_errors = a.server_errors + x.is_storable::integer
    from locked x
    where a.payout_id = x.payout_id and a.n = x.n and a.outcome = 'OPEN'`.execute(db)
}

async function recordMismatched(
  db: Database,
  answers: readonly MismatchedAnswer[],
  at: Instant,
): Promise<void> {
  if (answers.length === 0) return
  const columns = sql`transfer_id, differences`
  const transferIds = answers.map((answer) => answer.transferId)
  const differences = answers.map((answer) => JSON.stringify(answer.differences))
  // The payout stays SUBMITTED and its money in flight: some of it did leave, and only a person can
  // say what follows. Without an open attempt nothing is sent again by itself.
  await sql`
    with ${answersWith(answers, columns, sql`${transferIds}::text[], ${differences}::text[]`)},
    closed as (
      update payout_attempt a
      set outcome = 'UNKNOWN', provider_ref = x.transfer_id, code = 'TRANSFER_MISMATCH',
        sends = a.sends + 1, finished_at = ${at}::timestamptz
      from locked x
      where a.payout_id = x.payout_id and a.n = x.n and a.outcome = 'OPEN'
      returning a.payout_id, a.n, a.provider_ref, x.differences
    ), faulty as (
      select c.payout_id, jsonb_build_object('attempt', c.n, 'transferId', c.provider_ref,
        'differences', c.differences::jsonb) as details
      from closed c
    ), ${reviewFaulty('TRANSFER_MISMATCH', at)}
    select count(*) from closed`.execute(db)
}

/**
 * CTE `locked`: the answers (payout_id, n, then `columns` from the arrays `values`) whose payout is
 * still SUBMITTED. The payout's lock is the arbiter between senders, cancellers and resolvers.
 * `answers` are in the order of their payouts' ids, and so are the locks taken, one by one: a join
 * would let the planner read the whole table for "few" SUBMITTED payouts.
 */
function answersWith(
  answers: readonly AttemptKey[],
  columns: Fragment,
  values: Fragment,
): Fragment {
  const payoutIds = answers.map((answer) => answer.payoutId)
  const numbers = answers.map((answer) => answer.n)
  return sql`locked as materialized (
      select x.*
      from unnest(${payoutIds}::uuid[], ${numbers}::integer[], ${values})
        as x (payout_id, n, ${columns})
      cross join lateral (
        select from payout p where p.id = x.payout_id and p.state = 'SUBMITTED' for update
      ) p
    )`
}

/** Locks are taken in this order everywhere; lower-case ids sort as text as they do as uuids. */
function byPayout<Answer extends AttemptKey>(answers: readonly Answer[]): Answer[] {
  return answers.toSorted((a, b) => (a.payoutId < b.payoutId ? -1 : 1))
}

/** CTE `entry`: money of the payouts in `cte` back from the rail to what is owed. */
function reversalOf(cte: Fragment): Fragment {
  return sql`entry as (
      select concat_ws(':', 'fail', r.id, r.n) as ref,
        ${accountSql.inFlight(sql`r.provider`)} as source,
        ${accountSql.payable(sql`r.policy_id`)} as destination,
        r.amount_minor, r.currency
      from ${cte} r
    )`
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
