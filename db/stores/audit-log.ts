/** Lists the audit trail and adds to it what no other statement records. */
import { sql } from 'kysely'

import type { AuditEvent, AuditFilter, AuditLog } from '../../domain/ports/audit-log.ts'
import type { Database } from '../client.ts'
import { keyPart, pageOf, readKey } from '../keyset.ts'

/** The trail over `db`. */
export function createAuditLog(db: Database): AuditLog {
  return {
    async list(filter, page) {
      const scope = ['audit', filter]
      const [before] = readKey(page, scope, [keyPart.integer]) ?? []
      const { rows } = await sql<AuditEvent>`
        select e.seq, e.at, e.actor, e.action, e.subject, e.details,
          e.correlation_id as "correlationId", c.position, c.hash
        from audit_event e
        left join audit_chain c on c.event_seq = e.seq
        where ${conditions(filter, before)}
        order by e.seq desc
        limit ${page.limit + 1}`.execute(db)
      return pageOf(rows, page, scope, { item: (row) => row, key: ({ seq }) => [String(seq)] })
    },
    async record({ at, actor, action, subject, details, correlationId }) {
      await sql`
        insert into audit_event (at, actor, action, subject, details, correlation_id)
        values (${at}::timestamptz, ${actor}, ${action}, ${subject},
          ${JSON.stringify(details)}::jsonb, ${correlationId ?? null})`.execute(db)
    },
  }
}

function conditions(filter: AuditFilter, before: string | undefined) {
  const { actor, action, subject, from, until } = filter
  const all = [sql`true`]
  if (before !== undefined) all.push(sql`e.seq < ${before}::bigint`)
  if (actor !== undefined) all.push(sql`e.actor = ${actor}`)
  if (action !== undefined) all.push(sql`e.action = ${action}`)
  if (subject !== undefined) all.push(sql`e.subject = ${subject}`)
  if (from !== undefined) all.push(sql`e.at >= ${from}::timestamptz`)
  if (until !== undefined) all.push(sql`e.at < ${until}::timestamptz`)
  return sql.join(all, sql` and `)
}
