/** Deciding review cases in Postgres: lock, judge, write and audit in one transaction. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import type { JudgedReview, ReviewDecisions } from '../../domain/ports/review-decisions.ts'
import type { ReviewSnapshot } from '../../domain/review-case.ts'
import type { ReviewChange, ReviewNote } from '../../domain/review-judgement.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import { inSnapshot } from '../snapshot.ts'
import type { DB } from '../types.generated.ts'
import { endAppeal } from './appeal-end.ts'
import { carryOutOnReviewed, saveManualEvaluations } from './review-carry-out.ts'
import { isAboutDifference } from './review-differences.ts'
import { payDifferences, PoolShortError } from './review-top-ups.ts'
import { readCase, snapshotOf, waitsForCase, type CaseRow } from './review-snapshot.ts'

/** The decisions over `db`. */
export function createReviewDecisions(db: Database): ReviewDecisions {
  return {
    read: (caseId) =>
      // One moment: a case from before a payout was approved, and the payout from after it, were neither.
      inSnapshot(db, async (trx) => {
        const row = await readCase(trx, caseId)
        return row === null ? null : snapshotOf(trx, row)
      }),
    change: (caseId, note, judge) =>
      refusedWhenShort(db, caseId, () =>
        retriedTransaction(db, async (trx) => {
          const row = await lockCase(trx, caseId)
          if (row === null) return null
          const before = await snapshotOf(trx, row)
          const judgement = judge(before)
          if (judgement.kind !== 'change') return { ...UNCHANGED, judgement, before, after: before }
          return write(trx, row, before, judgement, note)
        }),
      ),
  }
}

/** A pool that does not hold what is owed undid the whole change: the case is as it was. */
async function refusedWhenShort(
  db: Database,
  caseId: string,
  work: () => Promise<JudgedReview | null>,
): Promise<JudgedReview | null> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof PoolShortError)) throw error
    const row = await readCase(db, caseId)
    if (row === null) return null
    const before = await snapshotOf(db, row)
    const { message } = error
    const judgement = { kind: 'refused', code: 'POOL_SHORT', message } as const
    return { ...UNCHANGED, judgement, before, after: before }
  }
}

const UNCHANGED = { policiesPaid: 0, policiesDenied: 0, payoutsCreated: 0 }

/** The order of locks is everywhere the same: the leg, then the case, then policies and the pool. */
export async function lockCase(trx: Transaction<DB>, caseId: string): Promise<CaseRow | null> {
  const found = await readCase(trx, caseId)
  if (found === null) return null
  if (found.leg_id !== null) {
    await sql`select id from flight_leg where id = ${found.leg_id}::uuid for update`.execute(trx)
  }
  await sql`select id from review_case where id = ${caseId}::uuid for update`.execute(trx)
  return readCase(trx, caseId)
}

async function write(
  trx: Transaction<DB>,
  row: CaseRow,
  before: ReviewSnapshot,
  judgement: ReviewChange,
  note: ReviewNote,
): Promise<JudgedReview> {
  const { evaluations } = judgement
  const evaluationIds =
    evaluations.length === 0 ? [] : await saveManualEvaluations(trx, row, evaluations, note)
  const moved = isAboutDifference(row)
    ? { paid: await payDifferences(trx, row, evaluationIds, note), denied: 0 }
    : await carryOutOnReviewed(trx, evaluationIds, waitsForCase(row), note.at)
  await writeFields(trx, row.id, judgement, note)
  if (judgement.fields.state === 'RESOLVED') await endAppeal(trx, before, evaluationIds, note)
  await writeAudit(trx, before, judgement, note, { ...moved, evaluationIds })
  const after = await readCase(trx, row.id)
  if (after === null) throw new Error(`review case ${row.id} vanished`)
  return {
    judgement,
    before,
    after: await snapshotOf(trx, after),
    policiesPaid: moved.paid,
    policiesDenied: moved.denied,
    payoutsCreated: moved.paid,
  }
}

async function writeFields(
  trx: Transaction<DB>,
  caseId: string,
  { fields }: ReviewChange,
  { by, reason, at, requestId }: ReviewNote,
): Promise<void> {
  const { state, assignee, waitUntil, proposal, resolution } = fields
  const isEnd = state === 'RESOLVED'
  await sql`
    update review_case set
      state = ${state}, assignee = ${assignee},
      claimed_at = case when ${assignee}::text is null then null
        when assignee = ${assignee} then claimed_at else ${at}::timestamptz end,
      wait_until = ${waitUntil}::timestamptz,
      escalated_at = case when ${state === 'ESCALATED'} then ${at}::timestamptz else escalated_at end,
      proposal = ${proposal === null ? null : JSON.stringify(proposal)}::jsonb,
      proposed_by = ${proposal?.by ?? null},
      resolution = ${resolution}, decision_ref = ${requestId},
      resolved_by = ${isEnd ? by : null}, resolution_reason = ${isEnd ? reason : null},
      resolved_at = ${isEnd ? at : null}::timestamptz, updated_at = now()
    where id = ${caseId}::uuid`.execute(trx)
}

async function writeAudit(
  trx: Transaction<DB>,
  before: ReviewSnapshot,
  { action, fields }: ReviewChange,
  { by, reason, at }: ReviewNote,
  done: {
    readonly paid: number
    readonly denied: number
    readonly evaluationIds: readonly string[]
  },
): Promise<void> {
  const { state, assignee, waitUntil, proposal, resolution } = before
  const details = {
    reason,
    before: { state, assignee, waitUntil, proposal, resolution },
    after: fields,
    ...(before.proposal === null ? {} : { proposedBy: before.proposal.by }),
    ...(done.evaluationIds.length === 0 ? {} : done),
  }
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (${at}::timestamptz, ${by}, ${action}, ${`review:${before.caseId}`},
      ${JSON.stringify(details)}::jsonb)`.execute(trx)
}
