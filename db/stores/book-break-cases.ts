/** Breaks of the book's invariants as review cases, in Postgres: one open case a subject. */
import { sql } from 'kysely'

import type { BookBreakCases } from '../../domain/ports/book-break-cases.ts'
import type { BookBreak } from '../../domain/ports/ledger-store.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

const REASON = 'BOOK_BREAK'
const BY_RULE = 'rule:book-verification'

/** The cases over `db`. */
export function createBookBreakCases(db: Database): BookBreakCases {
  return {
    open: (breaks, at) => open(db, breaks, at),
    closeMended: (breaks, invariants, at) => closeMended(db, breaks, invariants, at),
  }
}

async function open(db: Database, breaks: readonly BookBreak[], at: Instant): Promise<number> {
  const { rows } = await sql<{ opened: number }>`
    with found as (
      select distinct on (subject) subject, invariant, detail
      from unnest(
        ${breaks.map(({ subject }) => subject)}::text[],
        ${breaks.map(({ invariant }) => invariant)}::text[],
        ${breaks.map(({ detail }) => detail)}::text[]
      ) as u (subject, invariant, detail)
      order by subject, invariant
    ),
    named as (
      select f.*, case when is_own then split_part(f.subject, ':', 1) else 'control' end as kind,
        case when is_own then split_part(f.subject, ':', 2)::uuid
          else groundstop_id('control|book|' || f.subject) end as subject_id
      from (select *, subject ~ '^(policy|payout|leg):[0-9a-f-]{36}$' as is_own from found) as f
    ),
    opened as (
      insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
      select groundstop_id(concat_ws('|', 'review', n.kind, n.subject_id, ${REASON}::text, (
          select count(*) from review_case r where r.subject_kind = n.kind
            and r.subject_id = n.subject_id and r.reason_code = ${REASON}))),
        n.kind, n.subject_id, ${REASON},
        jsonb_build_object('subject', n.subject, 'invariant', n.invariant, 'detail', n.detail),
        ${at}::timestamptz
      from named n
      on conflict do nothing
      returning id
    )
    select count(*) as opened from opened`.execute(db)
  return rows[0]?.opened ?? 0
}

async function closeMended(
  db: Database,
  breaks: readonly BookBreak[],
  invariants: readonly string[],
  at: Instant,
): Promise<number> {
  const { rows } = await sql<{ closed: number }>`
    with mended as materialized (
      select r.id, r.state from review_case r
      where r.reason_code = ${REASON} and r.state <> 'RESOLVED'
        and r.details ->> 'invariant' = any(${invariants}::text[])
        and r.details ->> 'subject' <> all(${breaks.map(({ subject }) => subject)}::text[])
      order by r.id for update of r skip locked
    ),
    closed as (
      update review_case r
      set state = 'RESOLVED', resolution = 'REASON_GONE', resolved_by = ${BY_RULE},
        resolved_at = ${at}::timestamptz, proposal = null, proposed_by = null, updated_at = now()
      from mended m where r.id = m.id
    ),
    audited as (
      insert into audit_event (at, actor, action, subject, details)
      select ${at}::timestamptz, ${BY_RULE}, 'review.close', 'review:' || m.id,
        jsonb_build_object('before', jsonb_build_object('state', m.state),
          'after', jsonb_build_object('state', 'RESOLVED', 'resolution', 'REASON_GONE'))
      from mended m order by m.id
    )
    select count(*) as closed from mended`.execute(db)
  return rows[0]?.closed ?? 0
}
