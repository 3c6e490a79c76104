/** Review cases in Postgres. */
import { sql } from 'kysely'

import type { NewReviewCase, ReviewStore } from '../../domain/ports/review-store.ts'
import type { Database } from '../client.ts'

/** The review store over `db`. */
export function createReviewStore(db: Database): ReviewStore {
  return { open: (newCase) => open(db, newCase) }
}

async function open(
  db: Database,
  newCase: NewReviewCase,
): Promise<{ caseId: string; isNew: boolean }> {
  const { subjectKind, subjectId, reasonCode, openedAt } = newCase
  const details = JSON.stringify(newCase.details)
  const inserted = await sql<{ id: string }>`
    insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
    select groundstop_id(concat_ws('|', 'review', k.kind, k.subject, k.reason, (
        select count(*) from review_case r
        where r.subject_kind = k.kind and r.subject_id = k.subject and r.reason_code = k.reason))),
      k.kind, k.subject, k.reason, ${details}::jsonb, ${openedAt}::timestamptz
    from (values (${subjectKind}::text, ${subjectId}::uuid, ${reasonCode}::text))
      as k (kind, subject, reason)
    on conflict do nothing
    returning id`.execute(db)
  const isNew = inserted.rows[0] !== undefined
  if (inserted.rows[0] !== undefined) return { caseId: inserted.rows[0].id, isNew }
  const found = await sql<{ id: string }>`
    select r.id from review_case r
    where r.subject_kind = ${subjectKind} and r.subject_id = ${subjectId}::uuid
      and r.reason_code = ${reasonCode}
    order by r.state = 'RESOLVED', r.created_at desc
    limit 1`.execute(db)
  const caseId = found.rows[0]?.id
  if (caseId === undefined) throw new Error(`review of ${subjectKind} ${subjectId} vanished`)
  return { caseId, isNew }
}
