/** Claims the legs that are due for a poll and cuts them into shards. */
import type { Clock } from '../domain/ports/clock.ts'
import type { LegStore } from '../domain/ports/leg-store.ts'
import type { Instant } from '../domain/time.ts'

/** What a claim works over. */
export type ClaimDueLegsDeps = {
  readonly legStore: Pick<LegStore, 'claimDue'>
  readonly clock: Clock
}

/** Who claims, how much, and for how long. */
export type ClaimDueLegsInput = {
  /** The tick's name; a repeated claim under the same name gets its legs again. */
  readonly claimedBy: string
  /** Legs at most. */
  readonly limit: number
  /** Legs per shard at most. */
  readonly shardSize: number
  /** After this much wall time another tick may take the legs over. */
  readonly leaseMs: number
}

/** The legs claimed, in shards. */
export type ClaimedLegs = {
  /** The business time that "due" was measured by. */
  readonly now: Instant
  /** All due legs, also those beyond the limit and those that another tick holds. */
  readonly due: number
  readonly claimed: number
  /** Leg ids, the longest due first. */
  readonly shards: string[][]
}

/** Due is: some policy undecided, and the planned poll's time has come. */
export async function claimDueLegs(
  deps: ClaimDueLegsDeps,
  input: ClaimDueLegsInput,
): Promise<ClaimedLegs> {
  const now = await deps.clock.now()
  const { claimedBy, limit, leaseMs } = input
  const { due, legIds } = await deps.legStore.claimDue({ claimedBy, now, limit, leaseMs })
  const shards: string[][] = []
  for (let start = 0; start < legIds.length; start += input.shardSize) {
    shards.push(legIds.slice(start, start + input.shardSize))
  }
  return { now, due, claimed: legIds.length, shards }
}
