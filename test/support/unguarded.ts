/** Writes what no statement of the product could: triggers and foreign keys are asleep meanwhile. */
import { sql } from 'kysely'

import type { Database } from '../../db/client.ts'

/** Runs `work` in one transaction without triggers; check constraints hold all the same. */
export function unguarded<T>(db: Database, work: (trx: Database) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (trx) => {
    await sql`set local session_replication_role = replica`.execute(trx)
    return work(trx)
  })
}
