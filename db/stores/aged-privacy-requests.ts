/** Answered requests of persons that have had their time: they leave the list for the archive. */
import { sql } from 'kysely'

import type { AgedThings, Amount } from '../../domain/ports/aged-things.ts'
import type { Database } from '../client.ts'

/** The answered ones over `db`. Open ones stay, however old. */
export function createAgedPrivacyRequests(db: Database): AgedThings {
  return {
    async count(before) {
      const { rows } = await sql<Amount>`
        select count(*) as items, coalesce(sum(pg_column_size(r.*)), 0)::bigint as bytes
        from privacy_request r where r.closed_at < ${before}::timestamptz`.execute(db)
      return rows[0] ?? { items: 0, bytes: 0 }
    },
    async removeBatch(before, limit) {
      const { rows } = await sql<Amount>`
        with aged as (
          select r.id, pg_column_size(r.*) as size from privacy_request r
          where r.closed_at < ${before}::timestamptz
          order by r.closed_at limit ${limit} for update skip locked
        ), gone as (
          delete from privacy_request r using aged a where r.id = a.id returning r.*, a.size
        ), kept as (
          insert into privacy_request_archive (id, kind, holder_ref, state, received_at, due_at,
            received_by, refusal, closed_at, file_bytes, file_sha256)
          select g.id, g.kind, g.holder_ref, g.state, g.received_at, g.due_at, g.received_by,
            g.refusal, g.closed_at, g.file_bytes, g.file_sha256
          from gone g
        )
        select count(*) as items, coalesce(sum(g.size), 0)::bigint as bytes from gone g`.execute(db)
      return rows[0] ?? { items: 0, bytes: 0 }
    },
  }
}
