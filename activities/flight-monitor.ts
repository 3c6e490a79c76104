/** The steps of a monitoring tick, as Temporal calls them. Thin: the work is in operations. */
import { ApplicationFailure } from '@temporalio/activity'

import type { LegStore } from '../domain/ports/leg-store.ts'
import { MINUTE_MS, SECOND_MS, type Instant } from '../domain/time.ts'
import { batchPayouts } from '../operations/batch-payouts.ts'
import { checkCoverage as checkCoverageOfLegs } from '../operations/check-coverage.ts'
import { claimDueLegs as claimLegs } from '../operations/claim-due-legs.ts'
import { decideLegs as decideClaimedLegs } from '../operations/decide-legs.ts'
import { markBatchesStarted } from '../operations/mark-batches-started.ts'
import { pollLegShard } from '../operations/poll-leg-shard.ts'
import type { Events } from '../platform/events.ts'
import { FAILURE_TYPES, mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Wall time after which another tick may take a claimed leg over: a tick's timeout and a margin. */
const LEASE_MS = 2 * MINUTE_MS + 30 * SECOND_MS

/** The claim of a leg that is asked about by itself: a poll takes 10 s at most, and its retries. */
const ONE_LEG_LEASE_MS = 30 * SECOND_MS

/** Requests of one shard on the wire at once; the adapter's own bound holds for the process. */
const POLL_CONCURRENCY = 64

/** Payout runs started at once: the server takes tens a second, more only queues up. */
const START_CONCURRENCY = 8

/** Batches made by one tick: 200,000 payouts. What is over waits for the next tick. */
const BATCHES_PER_TICK = 400

/** What one claim got: the legs of this page, in shards. */
export type ClaimedPage = {
  /** The business clock at the claim. */
  readonly now: Instant
  /** Legs whose poll had come before this page was claimed. */
  readonly due: number
  readonly claimed: number
  readonly shards: readonly (readonly string[])[]
}

/** What came of asking about one shard's legs. */
export type PolledShard = {
  readonly polled: number
  readonly changed: number
  readonly failed: number
  /** Legs whose facts may decide policies now. */
  readonly decidableLegIds: readonly string[]
}

/** How many policies were decided, by outcome. */
export type DecidedPage = {
  readonly evaluations: number
  readonly policiesPaid: number
  readonly policiesNotPaid: number
  readonly policiesInReview: number
  readonly payoutsCreated: number
}

/** Whether every watched leg was polled in time. */
export type CoverageReport = {
  readonly legsInWindow: number
  readonly overdue: number
  readonly incidentsOpened: number
  readonly incidentsClosed: number
  readonly incidentsOpen: number
}

/** What the steps need: the operations' own needs, and what is bound at the composition root. */
export type FlightMonitorDeps = Parameters<typeof claimLegs>[0] &
  Parameters<typeof pollLegShard>[0] &
  Parameters<typeof decideClaimedLegs>[0] &
  Parameters<typeof checkCoverageOfLegs>[0] &
  Parameters<typeof batchPayouts>[0] &
  Parameters<typeof markBatchesStarted>[0] & {
    readonly legStore: Pick<LegStore, 'claimLeg'>
    /** The leg of a policy, by the policy's id or number; null when there is no such policy. */
    readonly findPolicyLeg: (policyId: string) => Promise<string | null>
    /** Starts the `payout` run of a batch. Does nothing when it was started before. */
    readonly startPayout: (batchId: string) => Promise<void>
    readonly events: Events
  }

/** The activities of `flight-monitor`. All may be repeated: a claim, a fact, a decision is one. */
export function createFlightMonitorActivities(deps: FlightMonitorDeps) {
  return mapFailures({
    /** Claims one page of due legs. Repeated with the same `claimedBy`, it returns its legs again. */
    async claimDueLegs(input: {
      readonly claimedBy: string
      readonly limit: number
      readonly shardSize: number
    }): Promise<ClaimedPage> {
      return claimLegs(deps, { ...input, leaseMs: LEASE_MS })
    },

    /**
     * Claims the leg of one policy as a page of its own, due or not. A leg that a tick is asking about
     * is asked about once more, and one of the answers is written. Fails with `NotFound`.
     */
    async findPolicyLeg(input: {
      readonly policyId: string
      readonly claimedBy: string
    }): Promise<ClaimedPage> {
      const { policyId, claimedBy } = input
      const legId = await deps.findPolicyLeg(policyId)
      if (legId === null) throw policyNotFound(policyId)
      await deps.legStore.claimLeg({ legId, claimedBy, leaseMs: ONE_LEG_LEASE_MS })
      return { now: await deps.clock.now(), due: 0, claimed: 1, shards: [[legId]] }
    },

    /** Asks the provider about the legs of one shard; a leg that fails is recorded, not thrown. */
    async pollLegs(input: {
      readonly legIds: readonly string[]
      readonly claimedBy: string
    }): Promise<PolledShard> {
      using heartbeats = startHeartbeats(input.legIds.length)
      const { onProgress, signal } = heartbeats
      const options = { concurrency: POLL_CONCURRENCY, onProgress, signal }
      const shard = await pollLegShard(deps, input, options)
      for (const failure of shard.failed) deps.events.legPollFailed(failure)
      for (const failure of shard.secondSilent) deps.events.secondSourceSilent(failure)
      if (shard.retimed > 0) deps.events.legsRetimed({ count: shard.retimed })
      const { polled, changed, failed, decidableLegIds } = shard
      return { polled, changed, failed: failed.length, decidableLegIds }
    },

    /** Decides the policies of these legs and creates their payouts, in pages. */
    async decideLegs(input: { readonly legIds: readonly string[] }): Promise<DecidedPage> {
      using heartbeats = startHeartbeats(input.legIds.length)
      const page = await decideClaimedLegs(deps, input, {
        onProgress: (policies) => heartbeats.onProgress(policies, policies),
        signal: heartbeats.signal,
      })
      tellDecided(deps.events, page)
      return page
    },

    /** Starts a payout run for each batch that has none: those of this tick, or of a lost one. */
    async startPayouts(): Promise<{ readonly batchesStarted: number }> {
      using heartbeats = startHeartbeats()
      const { batchIds } = await batchPayouts(deps, { maxBatches: BATCHES_PER_TICK })
      for (let i = 0; i < batchIds.length; i += START_CONCURRENCY) {
        const page = batchIds.slice(i, i + START_CONCURRENCY)
        await Promise.all(page.map((batchId) => deps.startPayout(batchId)))
        await markBatchesStarted(deps, { batchIds: page })
        heartbeats.onProgress(i + page.length, batchIds.length)
        heartbeats.signal.throwIfAborted()
      }
      return { batchesStarted: batchIds.length }
    },

    /** Counts legs that were not polled in time and opens or closes their incidents. */
    async checkCoverage(): Promise<CoverageReport> {
      const report = await checkCoverageOfLegs(deps, {})
      deps.events.coverageChecked(report)
      return report
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type FlightMonitorActivities = ReturnType<typeof createFlightMonitorActivities>

function policyNotFound(policyId: string): ApplicationFailure {
  return ApplicationFailure.create({
    message: `no policy ${policyId}: give the id or the number of a bound policy`,
    type: FAILURE_TYPES.notFound,
    nonRetryable: true,
  })
}

function tellDecided(events: Events, page: DecidedPage): void {
  if (page.evaluations === 0) return
  events.policiesDecided({
    paid: page.policiesPaid,
    notPaid: page.policiesNotPaid,
    inReview: page.policiesInReview,
  })
  if (page.payoutsCreated > 0) events.payoutsCreated({ count: page.payoutsCreated })
}
