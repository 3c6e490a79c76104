/** Archives of the audit trail on record; takes archived events out by the one function that may. */
import { sql } from 'kysely'

import {
  AuditArchiveError,
  type AuditArchive,
  type AuditArchiveStore,
  type AuditPage,
} from '../../domain/ports/audit-archive.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** Of 10,000 events each: more than a thousand million events. */
const ARCHIVES_LIMIT = 100_000

/** What an event `e` of a link `c` is hashed from; null when the event is gone. 0050 states the same. */
export const AUDIT_TEXT = sql`case when e.seq is not null then jsonb_build_array(
  c.position, c.prev_hash, e.seq, (extract(epoch from e.at) * 1000000)::bigint,
  e.actor, e.action, e.subject, e.details, e.correlation_id)::text end`

const COLUMNS = sql`a.first_position as "firstPosition", a.last_position as "lastPosition",
  a.prev_hash as "prevHash", a.hash, a.file, a.bytes, a.sha256`

/** The store over `db`. */
export function createAuditArchiveStore(db: Database): AuditArchiveStore {
  return {
    async findPending() {
      const { rows } = await sql<AuditArchive>`
        select ${COLUMNS} from audit_archive a
        where a.last_position >= (select min(c.position) from audit_chain c)
        order by a.last_position limit 1`.execute(db)
      return rows[0] ?? null
    },
    async find(lastPosition) {
      const { rows } = await sql<AuditArchive>`
        select ${COLUMNS} from audit_archive a
        where a.last_position = ${lastPosition}::bigint limit 1`.execute(db)
      return rows[0] ?? null
    },
    readAged: (before, atMost) => readAged(db, before, atMost),
    async record(archive) {
      const { firstPosition, lastPosition, prevHash, hash, file, bytes, sha256 } = archive
      await sql`
        insert into audit_archive (first_position, last_position, prev_hash, hash, file, bytes, sha256)
        values (${firstPosition}::bigint, ${lastPosition}::bigint, ${prevHash}, ${hash}, ${file},
          ${bytes}::bigint, ${sha256})`.execute(db)
    },
    async remove({ lastPosition, sha256 }) {
      const { rows } = await sql<{ gone: number }>`
        select remove_archived_events(${lastPosition}::bigint, ${sha256}) as gone`.execute(db)
      return rows[0]?.gone ?? 0
    },
  }
}

/** All archives on record, the oldest first; also within a snapshot that is open. */
export async function listAuditArchives(db: Database): Promise<readonly AuditArchive[]> {
  const { rows } = await sql<AuditArchive>`
    select ${COLUMNS} from audit_archive a
    order by a.last_position limit ${ARCHIVES_LIMIT}`.execute(db)
  return rows
}

type AgedLink = {
  readonly position: number
  readonly prevHash: string
  readonly hash: string
  readonly text: string | null
  readonly isAged: boolean | null
}

async function readAged(db: Database, before: Instant, atMost: number): Promise<AuditPage | null> {
  const { rows } = await sql<AgedLink>`
    select c.position, c.prev_hash as "prevHash", c.hash, e.at < ${before}::timestamptz as "isAged",
      ${AUDIT_TEXT} as text
    from audit_chain c
    left join audit_event e on e.seq = c.event_seq
    order by c.position
    limit ${atMost}`.execute(db)
  const end = rows.findIndex(({ isAged }) => isAged === false)
  const aged = end === -1 ? rows : rows.slice(0, end)
  const [first, last] = [aged[0], aged.at(-1)]
  if (first === undefined || last === undefined) return null
  const lines = aged.map(({ position, text }) => {
    if (text !== null) return text
    throw new AuditArchiveError(`the event at position ${position} was deleted`)
  })
  return {
    prevHash: first.prevHash,
    firstPosition: first.position,
    lastPosition: last.position,
    hash: last.hash,
    lines,
  }
}
