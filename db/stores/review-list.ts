/** Lists review cases, what waits for people first. */
import { sql } from 'kysely'

import type { ListedReview, ReviewFilter, ReviewList } from '../../domain/ports/review-list.ts'
import type { Database } from '../client.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'

type Row = ListedReview & { readonly isResolved: boolean; readonly micros: string }

/** The list over this database. */
export function createReviewList(db: Database): ReviewList {
  return {
    async list(filter, page) {
      const scope = ['reviews', filter]
      const key = readKey(page, scope, [/^(true|false)$/, keyPart.micros, keyPart.uuid])
      const { rows } = await sql<Row>`
        select r.id as "caseId", r.state, r.reason_code as reason,
          jsonb_build_object('kind', r.subject_kind, 'id', r.subject_id, 'name',
            coalesce(l.leg_key, p.policy_number, op.policy_number)) as subject,
          r.details, r.opened_at as "openedAt", r.resolved_at as "resolvedAt",
          r.state = 'RESOLVED' as "isResolved", ${microsOf(sql`r.opened_at`)} as micros
        from review_case r
        left join flight_leg l on r.subject_kind = 'leg' and l.id = r.subject_id
        left join policy p on r.subject_kind = 'policy' and p.id = r.subject_id
        left join payout o on r.subject_kind = 'payout' and o.id = r.subject_id
        left join policy op on op.id = o.policy_id
        where ${conditions(filter, key)}
        order by (r.state = 'RESOLVED'), r.opened_at, r.id
        limit ${page.limit + 1}`.execute(db)
      return pageOf(rows, page, scope, {
        item: ({ isResolved: _isResolved, micros: _micros, ...row }) => row,
        key: ({ isResolved, micros, caseId }) => [String(isResolved), micros, caseId],
      })
    },
  }
}

function conditions(filter: ReviewFilter, key: readonly string[] | null) {
  const { state, reason, subjectKind, subjectId } = filter
  const all = [sql`true`]
  if (key !== null) {
    all.push(sql`((r.state = 'RESOLVED'), r.opened_at, r.id)
      > (${key[0]}::boolean, ${timeOfMicros(key[1] ?? null)}, ${key[2]}::uuid)`)
  }
  if (state !== undefined) all.push(sql`r.state = ${state}`)
  if (reason !== undefined) all.push(sql`r.reason_code = ${reason}`)
  if (subjectKind !== undefined) all.push(sql`r.subject_kind = ${subjectKind}`)
  if (subjectId !== undefined) all.push(sql`r.subject_id = ${subjectId}::uuid`)
  return sql.join(all, sql` and `)
}
