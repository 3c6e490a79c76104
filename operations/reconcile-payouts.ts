/** Lays the payment rail's transfers beside the ledger: list, compare, tell people what does not fit. */
import type { Clock } from '../domain/ports/clock.ts'
import type { ListedPaymentProvider } from '../domain/ports/payment-provider.ts'
import type {
  Reconciled,
  ReconciliationStore,
  ReconciliationWindow,
} from '../domain/ports/reconciliation-store.ts'
import { CLOCK_SKEW_MS } from '../domain/reconciliation.ts'
import { addMs, type Instant } from '../domain/time.ts'

/** What reconciling works over. */
export type ReconciliationDeps = {
  readonly reconciliationStore: ReconciliationStore
  readonly payments: ListedPaymentProvider
  readonly clock: Clock
}

/** Some pages of the rail's list. */
export type ListedPages = {
  readonly listed: number
  /** Where the list goes on; null at its end. */
  readonly next: string | null
}

/** The listing that was to be compared is gone, or was cut short: another run lists anew. */
export class ListingLostError extends Error {
  override readonly name = 'ListingLostError'
  readonly code = 'LISTING_LOST'
}

/** More breaks than this are one fault, such as another account's key; their counts say so. */
const CASES_PER_RUN = 1_000

/** Settles what is compared: from `since`, or from where the last run ended less the overlap. */
export async function beginReconciliation(
  { reconciliationStore, payments, clock }: ReconciliationDeps,
  input: { readonly runId: string; readonly since?: Instant },
): Promise<ReconciliationWindow> {
  const asOf = await clock.now()
  const since = await reconciliationStore.findStart(payments.id, asOf)
  return { runId: input.runId, provider: payments.id, since: input.since ?? since, asOf }
}

/** Lists and keeps at most `maxPages` pages. Safe to repeat from the same cursor. */
export async function listTransfers(
  { reconciliationStore, payments }: ReconciliationDeps,
  input: { readonly window: ReconciliationWindow; readonly cursor: string | null },
  options: {
    readonly maxPages: number
    readonly signal?: AbortSignal
    readonly onProgress?: (listed: number) => void
  },
): Promise<ListedPages> {
  const { window } = input
  const createdAfter = addMs(window.since, -CLOCK_SKEW_MS)
  let listed = 0
  let next = input.cursor
  for (let page = 0; page < options.maxPages; page += 1) {
    options.signal?.throwIfAborted()
    const answer = await payments.listSince(createdAfter, next, options.signal)
    await reconciliationStore.saveTransfers(window.runId, answer.transfers)
    listed += answer.transfers.length
    options.onProgress?.(listed)
    next = answer.next
    if (next === null) break
  }
  return { listed, next }
}

/** Compares what was listed. Throws ListingLostError when less is there than was listed. */
export async function compareTransfers(
  { reconciliationStore }: ReconciliationDeps,
  input: { readonly window: ReconciliationWindow; readonly listed: number },
): Promise<Reconciled> {
  const { runId } = input.window
  // Before anything is compared: without its list every payout would seem to be missing at the rail.
  const kept = await reconciliationStore.countListed(runId)
  if (kept < input.listed) {
    throw new ListingLostError(`run ${runId} listed ${input.listed}, kept ${kept}`)
  }
  return reconciliationStore.compare(input.window, CASES_PER_RUN)
}

/** Ends the run: the next one begins where this one was. */
export async function finishReconciliation(
  { reconciliationStore }: ReconciliationDeps,
  window: ReconciliationWindow,
): Promise<void> {
  await reconciliationStore.finish(window)
}
