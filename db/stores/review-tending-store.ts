/** Looking after review cases in Postgres. Every change of a case leaves an audit event. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import type {
  ClosedReview,
  ReviewRunCounts,
  ReviewTending,
} from '../../domain/ports/review-tending.ts'
import type { DecidedByData } from '../../domain/review-case.ts'
import type { TendedReview, TendingPlan } from '../../domain/review-tending.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { carryOutOnReviewed } from './review-carry-out.ts'
import { lockCase } from './review-decision-store.ts'
import { goneCases } from './review-gone-sql.ts'
import { waitsForCase } from './review-snapshot.ts'

/** Who closes cases whose reason is gone, and who moves idle ones. */
const BY_SWEEP = 'rule:review-sweep'
const BY_SLA = 'rule:review-sla'

/** The tending over `db`. */
export function createReviewTending(db: Database): ReviewTending {
  return {
    closeGone: (now, limit) => closeGone(db, now, limit),
    listEnded: (limit) => listEnded(db, limit),
    markEnded: (caseIds) => mark(db, caseIds, null),
    listToStart: (limits) => listToStart(db, limits),
    markStarted: (caseIds) => mark(db, caseIds, sql`clock_timestamp()`),
    countRuns: () => countRuns(db),
    read: (caseId) => read(db, caseId),
    carryOut: (review, plan, now) => carryOut(db, review, plan, now),
    decideByData: (caseId, evaluationIds, now) =>
      retriedTransaction(db, (trx) => decideByData(trx, caseId, evaluationIds, now)),
  }
}

async function closeGone(db: Database, now: Instant, limit: number): Promise<ClosedReview[]> {
  const { rows } = await sql<ClosedReview>`
    with gone as materialized (${goneCases(now)} limit ${limit}),
    locked as materialized (
      select r.id, r.state, r.assignee, g.resolution
      from gone g join review_case r on r.id = g.id
      where r.state <> 'RESOLVED'
      order by r.id for update of r skip locked
    ),
    closed as (
      update review_case r
      set state = 'RESOLVED', resolution = l.resolution, resolved_by = ${BY_SWEEP},
        resolved_at = ${now}::timestamptz, proposal = null, proposed_by = null, updated_at = now()
      from locked l where r.id = l.id
      returning r.id
    ),
    audited as (
      insert into audit_event (at, actor, action, subject, details)
      select ${now}::timestamptz, ${BY_SWEEP}, 'review.close', 'review:' || l.id,
        jsonb_build_object('before', jsonb_build_object('state', l.state, 'assignee', l.assignee),
          'after', jsonb_build_object('state', 'RESOLVED', 'resolution', l.resolution))
      from locked l order by l.id
    )
    select l.id as "caseId", l.resolution from locked l order by l.id`.execute(db)
  return rows
}

async function listEnded(db: Database, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from review_case where state = 'RESOLVED' and orchestrated_at is not null
    order by id limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

async function mark(
  db: Database,
  caseIds: readonly string[],
  at: ReturnType<typeof sql> | null,
): Promise<void> {
  await sql`
    update review_case set orchestrated_at = ${at}, updated_at = now()
    where id = any(${caseIds}::uuid[])`.execute(db)
}

async function listToStart(
  db: Database,
  { cap, staleMs }: { readonly cap: number; readonly staleMs: number },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with room as (
      select greatest(${cap} - count(*), 0) as n from review_case
      where orchestrated_at is not null and state <> 'RESOLVED'
    ),
    fresh as (
      select id from review_case
      where state <> 'RESOLVED' and orchestrated_at is null
      order by opened_at, id
      limit (select n from room)
    ),
    stale as (
      select id from review_case
      where state <> 'RESOLVED'
        and orchestrated_at < clock_timestamp() - make_interval(secs => ${staleMs / 1_000}::float8)
      limit ${cap}
    )
    select id from fresh union all select id from stale`.execute(db)
  return rows.map(({ id }) => id)
}

async function countRuns(db: Database): Promise<ReviewRunCounts> {
  const { rows } = await sql<ReviewRunCounts>`
    select count(*) filter (where orchestrated_at is not null) as open,
      count(*) filter (where orchestrated_at is null) as waiting
    from review_case where state <> 'RESOLVED'`.execute(db)
  return rows[0] ?? { open: 0, waiting: 0 }
}

async function read(db: Database, caseId: string): Promise<TendedReview | null> {
  const { rows } = await sql<TendedReview>`
    select r.id as "caseId", r.state, r.resolution, r.reason_code as "reasonCode",
      r.opened_at as "openedAt", r.assignee, r.claimed_at as "claimedAt",
      r.wait_until as "waitUntil", r.escalated_at as "escalatedAt",
      r.reminded_at as "remindedAt", r.proposal ->> 'at' as "proposedAt",
      l.id as "legId", l.last_polled_at as "lastPolledAt"
    from review_case r
    left join lateral (
      select p.leg_id from policy p
      where p.state = 'IN_REVIEW' and p.outcome is null and (
        (r.subject_kind = 'leg' and p.leg_id = r.subject_id)
        or (r.subject_kind = 'policy' and p.id = r.subject_id))
      limit 1
    ) as w on true
    left join flight_leg l on l.id = w.leg_id
    where r.id = ${caseId}::uuid`.execute(db)
  return rows[0] ?? null
}

async function carryOut(
  db: Database,
  review: TendedReview,
  { isReleased, isEscalated, isReminded }: TendingPlan,
  now: Instant,
): Promise<boolean> {
  const state = isEscalated ? 'ESCALATED' : isReleased ? 'OPEN' : review.state
  const isMoved = state !== review.state
  if (!isMoved && !isReminded) return true
  const before = { state: review.state, assignee: review.assignee }
  const after = { state, assignee: isMoved ? null : review.assignee }
  const { rows } = await sql<{ id: string }>`
    with moved as (
      update review_case r set state = ${state},
        assignee = case when ${isMoved} then null else r.assignee end,
        claimed_at = case when ${isMoved} then null else r.claimed_at end,
        wait_until = case when ${isMoved} then null else r.wait_until end,
        escalated_at = case when ${isEscalated} then ${now}::timestamptz else r.escalated_at end,
        reminded_at = case when ${isReminded} then ${now}::timestamptz else r.reminded_at end,
        updated_at = now()
      where r.id = ${review.caseId}::uuid and r.state = ${review.state}
        and r.assignee is not distinct from ${review.assignee}
        and r.claimed_at is not distinct from ${review.claimedAt}::timestamptz
        and r.wait_until is not distinct from ${review.waitUntil}::timestamptz
      returning r.id
    ),
    audited as (
      insert into audit_event (at, actor, action, subject, details)
      select ${now}::timestamptz, ${BY_SLA},
        ${isEscalated ? 'review.escalate' : 'review.release'}, 'review:' || m.id,
        ${JSON.stringify({ reason: 'idle', before, after })}::jsonb
      from moved m where ${isMoved}
    )
    select id from moved`.execute(db)
  return rows.length === 1
}

async function decideByData(
  trx: Transaction<DB>,
  caseId: string,
  evaluationIds: readonly string[],
  now: Instant,
): Promise<DecidedByData> {
  const row = await lockCase(trx, caseId)
  if (row === null || row.state === 'RESOLVED') return { paid: 0, denied: 0, isClosed: true }
  const done = await carryOutOnReviewed(trx, evaluationIds, waitsForCase(row), now)
  if (done.paid + done.denied === 0) return { ...done, isClosed: false }
  const waiting = await sql`
    select from policy p where ${waitsForCase(row)} limit 1`.execute(trx)
  const isClosed = waiting.rows.length === 0
  const details = { before: { state: row.state }, evaluationIds, ...done, isClosed }
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (${now}::timestamptz, 'rule:auto', 'review.decide-by-data', ${`review:${caseId}`},
      ${JSON.stringify(details)}::jsonb)`.execute(trx)
  if (isClosed) {
    await sql`
      update review_case set state = 'RESOLVED', resolution = 'DECIDED_BY_DATA',
        resolved_by = 'rule:auto', resolved_at = ${now}::timestamptz, proposal = null,
        proposed_by = null, updated_at = now()
      where id = ${caseId}::uuid`.execute(trx)
  }
  return { ...done, isClosed }
}
