/**
 * Attempts to pay in Postgres: opened before anything is sent, closed by what was heard. Every
 * statement locks its payouts in the order of their ids, so that two of them cannot block each other,
 * and moves the ledger with the state. Data flows from CTE to CTE by `returning`: the planner takes a
 * CTE for one row and would join two of them by comparing all pairs (60 of 120 ms for 500 payouts).
 */
import { sql } from 'kysely'

import { CONFIRM_EVERY_MS } from '../../domain/payment-confirmation.ts'
import { RESEND_LIMIT_MS, STORED_ERROR_LIMIT } from '../../domain/payout-resolution.ts'
import type {
  AcceptedAnswer,
  InTransitAnswer,
  MismatchedAnswer,
  OpenAttempt,
  PayoutSelection,
  PayoutStore,
  RejectedAnswer,
  UnknownAnswer,
} from '../../domain/ports/payout-store.ts'
import { RAIL_PROBE_MS } from '../../domain/payout-controls.ts'
import { addMs } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { answersWith, byPayout, moneyOf, reversalOf, type MoneyRow } from './payout-attempt-sql.ts'
import {
  accountSql,
  isPaused,
  isRailDry,
  isSelected,
  openCases,
  paidPolicies,
  postEntries,
  requestSha256,
  reviewFaulty,
} from './payout-sql.ts'

type PayoutAttempts = Pick<
  PayoutStore,
  | 'openAttempts'
  | 'listSendableAttempts'
  | 'recordAccepted'
  | 'recordInTransit'
  | 'recordRejected'
  | 'recordUnknown'
  | 'recordMismatched'
>

/** The part of the payout store that opens attempts and records their answers. */
export function createPayoutAttempts(db: Database): PayoutAttempts {
  return {
    openAttempts: (selection, attempt) => openAttempts(db, selection, attempt),
    listSendableAttempts: (selection, attempt) => listSendableAttempts(db, selection, attempt),
    recordAccepted: (answers, at) => recordAccepted(db, byPayout(answers), at),
    recordInTransit: (answers, at) => recordInTransit(db, byPayout(answers), at),
    recordRejected: (answers, at) => recordRejected(db, byPayout(answers), at),
    recordUnknown: (answers) => recordUnknown(db, byPayout(answers)),
    recordMismatched: (answers, at) => recordMismatched(db, byPayout(answers), at),
  }
}

async function openAttempts(
  db: Database,
  selection: PayoutSelection,
  attempt: { readonly provider: string; readonly at: Instant },
): Promise<number> {
  const { provider, at } = attempt
  const { rows } = await sql<{ opened: number }>`
    with due as materialized (
      select p.currency, min(p.id::text)::uuid as id
      from rail_hold h
      join payout p on p.currency = h.currency
      where h.provider = ${provider} and h.next_probe_at <= ${at}::timestamptz
        and ${isSelected(selection)} and p.state = 'APPROVED'
        and not ${isPaused(sql`p.policy_id`)}
      group by p.currency
    ), probing as (
      update rail_hold h
      set next_probe_at = ${addMs(at, RAIL_PROBE_MS)}::timestamptz, updated_at = now()
      from due d
      where h.provider = ${provider} and h.currency = d.currency
        and h.next_probe_at <= ${at}::timestamptz
      returning d.id
    ), chosen as materialized (
      select p.id
      from payout p
      where ${isSelected(selection)} and p.state = 'APPROVED' and not ${isPaused(sql`p.policy_id`)}
        and (not ${isRailDry(provider)} or p.id in (select q.id from probing q))
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

type OpenAttemptRow = MoneyRow & {
  id: string
  policy_id: string
  n: number
  idempotency_key: string
  payee_ref: string
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
      returning a.payout_id, a.n, a.provider, a.provider_ref, a.started_at
    ), paid as (
      update payout p
      set state = 'PAID', transfer_id = c.provider_ref, paid_at = ${at}::timestamptz,
        updated_at = now()
      from closed c
      where p.id = c.payout_id
      returning p.id, p.policy_id, p.revision, p.amount_minor, p.currency, c.n, c.provider,
        c.started_at
    ), lifted as (
      -- Only what was sent after the rail ran dry proves that it has balance again.
      delete from rail_hold h
      using paid
      where h.provider = paid.provider and h.currency = paid.currency
        and h.held_since < paid.started_at
    ), ${paidPolicies(at)}, entry as (
      select concat_ws(':', 'paid', paid.id, paid.n) as ref,
        ${accountSql.inFlight(sql`paid.provider`)} as source, ${accountSql.holder} as destination,
        paid.amount_minor, paid.currency
      from paid
    ), ${postEntries('paid', at)}
    select c.payout_id from closed c`.execute(db)
  await reviewUnexpected(db, answers, rows, at)
}

async function recordInTransit(
  db: Database,
  answers: readonly InTransitAnswer[],
  at: Instant,
): Promise<void> {
  if (answers.length === 0) return
  const transferIds = answers.map((answer) => answer.transferId)
  const { rows } = await sql<{ payout_id: string }>`
    with ${answersWith(answers, sql`transfer_id`, sql`${transferIds}::text[]`)}, closed as (
      update payout_attempt a
      set outcome = 'ACCEPTED', provider_ref = x.transfer_id, sends = a.sends + 1, code = null,
        finished_at = ${at}::timestamptz, next_check_at = ${addMs(at, CONFIRM_EVERY_MS)}::timestamptz
      from locked x
      where a.payout_id = x.payout_id and a.n = x.n and a.outcome = 'OPEN'
      returning a.payout_id, a.provider, a.provider_ref, a.started_at
    ), moved as (
      update payout p
      set state = 'IN_TRANSIT', transfer_id = c.provider_ref, updated_at = now()
      from closed c
      where p.id = c.payout_id
      returning p.currency, c.provider, c.started_at
    ), lifted as (
      delete from rail_hold h
      using moved
      where h.provider = moved.provider and h.currency = moved.currency
        and h.held_since < moved.started_at
    )
    select c.payout_id from closed c`.execute(db)
  await reviewUnexpected(db, answers, rows, at)
}

/** A second sender's answer about the same transfer is well; any other money needs a person. */
async function reviewUnexpected(
  db: Database,
  answers: readonly AcceptedAnswer[],
  closed: readonly { readonly payout_id: string }[],
  at: Instant,
): Promise<void> {
  if (closed.length === answers.length) return
  const closedIds = new Set(closed.map((row) => row.payout_id))
  const others = answers.filter((answer) => !closedIds.has(answer.payoutId))
  const payoutIds = others.map((answer) => answer.payoutId)
  const transferIds = others.map((answer) => answer.transferId)
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
