/** What a refused request must leave as it was: every table that people change, to the last column. */
import { sql } from 'kysely'

import type { Database } from '../../db/client.ts'

const TABLES = ['policy', 'payout', 'quote', 'review_case', 'setting', 'ledger_posting']
TABLES.push('escrow_reservation', 'contact', 'notification', 'evaluation', 'flight_leg', 'appeal')
TABLES.push('auth_user', 'auth_account', 'auth_session', 'api_key', 'audit_event', 'task')
TABLES.push('maintenance_window', 'queue_limit', 'privacy_request', 'dead_letter', 'virtual_clock')
TABLES.push('product_version', 'provider_plan', 'schedule_watch')

/** Equal as long as no row of them was added, removed or changed. */
export async function bookFingerprint(db: Database): Promise<Readonly<Record<string, string>>> {
  const parts = TABLES.map(
    (table) => sql`select ${table} as name, count(*) || ' rows, ' ||
      coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) as held from ${sql.table(table)} t`,
  )
  const { rows } = await sql<{
    name: string
    held: string
  }>`${sql.join(parts, sql` union all `)}`.execute(db)
  return Object.fromEntries(rows.map(({ name, held }) => [name, held]))
}
