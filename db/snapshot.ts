/** Reads that belong together see one moment of the book. */
import type { Transaction } from 'kysely'

import type { Database } from './client.ts'
import type { DB } from './types.generated.ts'

/** Runs `work` in a read-only transaction in which every statement sees what the first one saw. */
export function inSnapshot<T>(
  db: Database,
  work: (trx: Transaction<DB>) => Promise<T>,
): Promise<T> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(work)
}
