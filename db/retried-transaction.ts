/** Transactions that lose a deadlock or a serialisation conflict are run again, whole. */
import type { Transaction } from 'kysely'

import type { Database } from './client.ts'
import type { DB } from './types.generated.ts'

// Two sessions that deadlock once seldom do so twice; more tries only hide a wrong lock order.
const MAX_TRIES = 4

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'

/** Runs `work` in a transaction; `work` must have no effect outside of it, it may run again. */
export async function retriedTransaction<T>(
  db: Database,
  work: (trx: Transaction<DB>) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await db.transaction().execute(work)
    } catch (error) {
      if (tries >= MAX_TRIES || !isConflict(error)) throw error
    }
  }
}

function isConflict(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return error.code === SERIALIZATION_FAILURE || error.code === DEADLOCK_DETECTED
}
