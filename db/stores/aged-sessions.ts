/** What signing in leaves behind and has had its time, class by class. */
import { sql } from 'kysely'

import type { AgedThings, Amount } from '../../domain/ports/aged-things.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type { SessionClass } from '../../domain/session-retention.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { agedRows } from './aged-rows.ts'

/** Every class over `db`; `clock` is that of audit events. */
export function createAgedSessions(
  db: Database,
  clock: Clock,
): Readonly<Record<SessionClass, AgedThings>> {
  return {
    sessions: agedRows(db, {
      table: 'auth_session',
      isAged: (before) => sql`r.updated_at < ${before}::timestamptz`,
      oldestFirst: sql`r.updated_at`,
    }),
    'mail-codes': agedRows(db, {
      table: 'auth_verification',
      isAged: (before) => sql`r.created_at < ${before}::timestamptz and r.expires_at < now()`,
      oldestFirst: sql`r.created_at`,
    }),
    'unverified-accounts': unverifiedAccounts(db, clock),
  }
}

/** The sessions that a user had begun before a moment. */
export function createSessionsOfUser(db: Database): (userName: string) => AgedThings {
  return (userName) =>
    agedRows(db, {
      table: 'auth_session',
      isAged: (before) => sql`r.created_at < ${before}::timestamptz
        and r.user_id = (select u.id from auth_user u where u.name = ${userName})`,
      oldestFirst: sql`r.created_at`,
    })
}

/** Each account that goes is on record, as it was put there. */
function unverifiedAccounts(db: Database, clock: Clock): AgedThings {
  const rows = agedRows(db, {
    table: 'auth_user',
    isAged: (before) => isUnverified(before),
    oldestFirst: sql`r.created_at`,
  })
  return {
    count: (before) => rows.count(before),
    async removeBatch(before, limit) {
      const at = await clock.now()
      const removed = await sql<Amount>`
        with aged as (
          select r.id, r.name, pg_column_size(r.*) as size from auth_user r
          where ${isUnverified(before)}
          order by r.created_at limit ${limit} for update skip locked
        ), gone as (
          delete from auth_user d using aged a where d.id = a.id returning a.name, a.size
        ), recorded as (
          insert into audit_event (at, actor, action, subject, details)
          select ${at}::timestamptz, 'session-cleanup', 'user.remove', 'user:' || g.name,
            '{"reason": "the address was never confirmed"}'::jsonb
          from gone g
        )
        select count(*) as items, coalesce(sum(size), 0)::bigint as bytes from gone`.execute(db)
      return removed.rows[0] ?? { items: 0, bytes: 0 }
    },
  }
}

function isUnverified(before: Instant) {
  return sql`not r.email_verified and r.created_at < ${before}::timestamptz`
}
