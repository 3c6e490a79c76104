/**
 * Refreshes legs whose facts got old between two polls of their plan. A poll like any other, but one
 * that gives way: it is never worth a budget's reserve, and without an answer it changes no plan.
 */
import { SOON_MS, STALE_AFTER_MS } from '../domain/cache-plan.ts'
import type { FlightDataProvider } from '../domain/ports/flight-data-provider.ts'
import type { LegStore } from '../domain/ports/leg-store.ts'
import type { StaleLegs } from '../domain/ports/stale-legs.ts'
import { addMs, MINUTE_MS } from '../domain/time.ts'
import { pollLegShard, type PollLegShardDeps } from './poll-leg-shard.ts'

/** What came of refreshing one part. */
export type RefreshedPart = {
  /** Entries that were stale. */
  readonly wanted: number
  readonly refreshed: number
  readonly failed: number
  /** The first failure's message; null when none failed. */
  readonly error: string | null
}

/** What refreshing works over. */
export type RefreshFlightsDeps = PollLegShardDeps & { readonly staleLegs: StaleLegs }

/** Legs of one run: a minute at five calls a second, which the monitor then does without. */
const LEGS_LIMIT = 300
const CONCURRENCY = 8
/** Wall time after which a tick may take the legs over: a run that lives is done by then. */
const LEASE_MS = 3 * MINUTE_MS

/** May be repeated: what was refreshed is not stale. Throws on cancellation and a lost database. */
export async function refreshFlights(
  deps: RefreshFlightsDeps,
  input: { readonly claimedBy: string },
  options: {
    readonly onProgress?: (done: number, total: number) => void
    readonly signal?: AbortSignal
  } = {},
): Promise<RefreshedPart> {
  const { claimedBy } = input
  const now = await deps.clock.now()
  const legIds = await deps.staleLegs.claim({
    claimedBy,
    now,
    staleAfterMs: STALE_AFTER_MS,
    notPolledBefore: addMs(now, SOON_MS),
    limit: LEGS_LIMIT,
    leaseMs: LEASE_MS,
  })
  if (legIds.length === 0) return { wanted: 0, refreshed: 0, failed: 0, error: null }
  const firstFailure = { message: null as string | null }
  try {
    const shard = await pollLegShard(
      {
        ...deps,
        legStore: answersOnly(deps.legStore),
        flightData: routine(deps.flightData, (message) => {
          firstFailure.message ??= message
        }),
      },
      { legIds, claimedBy },
      { concurrency: CONCURRENCY, ...options },
    )
    const { polled } = shard
    return {
      wanted: legIds.length,
      refreshed: polled,
      failed: legIds.length - polled,
      error: firstFailure.message,
    }
  } finally {
    await deps.staleLegs.release(claimedBy)
  }
}

/** A store that writes only polls that brought an answer. */
function answersOnly(
  legStore: Pick<LegStore, 'loadForPolling' | 'savePolls'>,
): Pick<LegStore, 'loadForPolling' | 'savePolls'> {
  return {
    loadForPolling: (legIds) => legStore.loadForPolling(legIds),
    savePolls: async (polls) => {
      const answered = polls.filter((poll) => poll.answer !== null)
      return answered.length === 0 ? [] : await legStore.savePolls(answered)
    },
  }
}

/** A provider whose calls are all routine. */
function routine(
  flightData: Pick<FlightDataProvider, 'id' | 'getStatus'>,
  onFailure: (message: string) => void,
): Pick<FlightDataProvider, 'id' | 'getStatus'> {
  return {
    id: flightData.id,
    getStatus: async (leg, signal) => {
      const result = await flightData.getStatus({ ...leg, purpose: 'ROUTINE' }, signal)
      if (!result.ok) onFailure(`${result.kind}: ${result.message}`)
      return result
    },
  }
}
