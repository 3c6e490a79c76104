/** Groups new payouts into the batches that payout runs carry out. */
import type { PayoutStore } from '../domain/ports/payout-store.ts'

/** The schema's limit on a batch: what one run sends before its history gets long. */
const BATCH_SIZE_LIMIT = 500

/** Default of `maxBatches`: 100,000 payouts, a storm's worst tick, in one statement. */
const DEFAULT_MAX_BATCHES = 200

/** Batches returned at most; more than these are for the next tick. */
const UNSTARTED_LIMIT = 1_000

/**
 * Puts every unbatched payout that is CREATED, or approved again, oldest first and whatever its leg, into batches of at most
 * `batchSize`, and returns the ids of all batches that were never marked as started: those of a caller
 * that crashed before starting them too. Two callers at once never put a payout into two batches.
 * Throws RangeError on a limit out of range.
 */
export async function batchPayouts(
  deps: { readonly payoutStore: PayoutStore },
  input: { readonly batchSize?: number; readonly maxBatches?: number } = {},
): Promise<{ batchIds: string[] }> {
  const batchSize = checkLimit('batchSize', input.batchSize ?? BATCH_SIZE_LIMIT, BATCH_SIZE_LIMIT)
  const maxBatches = checkLimit(
    'maxBatches',
    input.maxBatches ?? DEFAULT_MAX_BATCHES,
    UNSTARTED_LIMIT,
  )
  await deps.payoutStore.batchCreated({ batchSize, maxBatches })
  return { batchIds: await deps.payoutStore.listUnstartedBatches(UNSTARTED_LIMIT) }
}

function checkLimit(name: string, value: number, greatest: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > greatest) {
    throw new RangeError(`${name} must be a whole number from 1 to ${greatest}: ${value}`)
  }
  return value
}
