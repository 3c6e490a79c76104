/** Which process has which keys, in Postgres. Every time is the database's wall clock. */
import { sql } from 'kysely'

import type { KeyHolders } from '../../domain/ports/key-rings.ts'
import type { Database } from '../client.ts'

/** A process reports several times within this; one that does not has ended. */
const ALIVE_S = 120
/** Kept for people who look. */
const KEPT_DAYS = 1

/** The store over `db`. */
export function createKeyHolderStore(db: Database): KeyHolders {
  return {
    async report(processId, ring, keyIds) {
      await sql`
        with gone as (
          delete from key_holder where seen_at < now() - make_interval(days => ${KEPT_DAYS}::int)
        )
        insert into key_holder (process_id, ring, key_ids, seen_at)
        values (${processId}, ${ring}, ${keyIds}::text[], now())
        on conflict (process_id, ring)
        do update set key_ids = excluded.key_ids, seen_at = excluded.seen_at`.execute(db)
    },
    async missing(ring, keyIds) {
      const { rows } = await sql<{ key_id: string }>`
        select k.key_id from unnest(${keyIds}::text[]) as k (key_id)
        where exists (
          select from key_holder h
          where h.ring = ${ring} and not k.key_id = any (h.key_ids)
            and h.seen_at >= now() - make_interval(secs => ${ALIVE_S}::int)
        )
        order by k.key_id`.execute(db)
      return rows.map((row) => row.key_id)
    },
  }
}
