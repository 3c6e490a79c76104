/** Seen DPoP proofs in Postgres. */
import { sql } from 'kysely'

import type { ProofStore } from '../../domain/ports/proof-store.ts'
import type { Database } from '../client.ts'

/** The proof store over `db`. */
export function createProofStore(db: Database): ProofStore {
  return {
    async remember(id, expiresAt) {
      const { rows } = await sql`
        insert into dpop_proof (id, expires_at) values (${id}, ${expiresAt}::timestamptz)
        on conflict do nothing returning id`.execute(db)
      return rows.length > 0
    },
    async removeExpired(limit) {
      // Clocks of processes differ by less than this minute, for which an id is kept beyond its end.
      const { rows } = await sql<{ removed: number }>`
        with expired as (
          select p.id from dpop_proof p where p.expires_at < now() - interval '1 minute'
          order by p.expires_at limit ${limit} for update skip locked
        ), gone as (
          delete from dpop_proof d using expired e where d.id = e.id returning d.id
        )
        select count(*) as removed from gone`.execute(db)
      return rows[0]?.removed ?? 0
    },
  }
}
