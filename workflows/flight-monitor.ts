/**
 * One tick of the main job: claim what is due, ask, decide, start payouts, account for coverage.
 * A bounded number of steps whatever the size of the book; legs given up here stay due.
 */
import {
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow'

import type {
  ClaimedPage,
  FlightMonitorActivities,
  PolledShard,
} from '../activities/flight-monitor.ts'
import { SECOND_MS, type Instant } from '../domain/time.ts'
import type { FlightMonitorInput, FlightMonitorResult } from '../jobs/flight-monitor.ts'
import { nominalTime } from './shared/nominal-time.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

/** Legs claimed at once; their shards are polled side by side. */
const PAGE_LIMIT = 2_000

/** Legs asked about by one step: a few seconds of work, so that a lost worker costs little. */
const SHARD_SIZE = 250

/** Pages of one tick. What is over stays due, and the next tick begins with it. */
const PAGES_PER_TICK = 10

/** No further page is begun after this, so that the tick ends within its time of 120 s. */
const LAST_PAGE_AFTER_MS = 60 * SECOND_MS

const { claimDueLegs, findPolicyLeg } = proxyActivities<FlightMonitorActivities>(SHORT_STEP)

const { pollLegs, decideLegs, startPayouts } = proxyActivities<FlightMonitorActivities>({
  startToCloseTimeout: '90 seconds',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 3 },
})

// One statement on every tick: beside the workflow task it costs the server nothing.
const { checkCoverage } = proxyLocalActivities<FlightMonitorActivities>({
  startToCloseTimeout: '20 seconds',
  retry: STEP_RETRY,
})

/** Watches the book once, or one policy. Returns the tick's account. */
export async function flightMonitor(input: FlightMonitorInput): Promise<FlightMonitorResult> {
  const tick = setUp()
  const { counts } = tick
  await runPages(tick, input)
  const { batchesStarted } = await startPayouts()
  counts.batchesStarted = batchesStarted
  if (input.policyId === undefined) counts.coverage = await checkCoverage()
  return toResult(counts)
}

type Counts = Omit<FlightMonitorResult, 'businessNow'> & { businessNow: Instant | null }

type Tick = { readonly claimedBy: string; readonly counts: Counts }

function setUp(): Tick {
  // Every attempt of a run claims under the same name, so it gets back what the last one had.
  const { workflowId, firstExecutionRunId } = workflowInfo()
  return {
    claimedBy: `${workflowId}/${firstExecutionRunId}`,
    counts: {
      nominalAt: nominalTime(),
      businessNow: null,
      due: 0,
      claimed: 0,
      polled: 0,
      changed: 0,
      failed: 0,
      failedShards: 0,
      evaluations: 0,
      policiesPaid: 0,
      policiesNotPaid: 0,
      policiesInReview: 0,
      payoutsCreated: 0,
      batchesStarted: 0,
      coverage: null,
    },
  }
}

async function runPages(tick: Tick, { policyId }: FlightMonitorInput): Promise<void> {
  if (policyId !== undefined) {
    await runPage(tick, await findPolicyLeg({ policyId, claimedBy: tick.claimedBy }))
    return
  }
  const startedMs = Date.now()
  for (let page = 0; page < PAGES_PER_TICK; page += 1) {
    const { claimedBy } = tick
    const claimed = await claimDueLegs({ claimedBy, limit: PAGE_LIMIT, shardSize: SHARD_SIZE })
    await runPage(tick, claimed)
    if (claimed.claimed < PAGE_LIMIT || Date.now() - startedMs > LAST_PAGE_AFTER_MS) return
  }
}

async function runPage(tick: Tick, page: ClaimedPage): Promise<void> {
  const { counts } = tick
  counts.businessNow ??= page.now
  counts.due = Math.max(counts.due, page.due)
  counts.claimed += page.claimed
  if (page.claimed === 0) return
  setCurrentDetails(`polling ${page.claimed} of ${page.due} legs due at ${page.now}`)
  const legIds = await pollShards(tick, page.shards)
  if (legIds.length === 0) return
  setCurrentDetails(`deciding the policies of ${legIds.length} legs`)
  const decided = await decideLegs({ legIds })
  counts.evaluations += decided.evaluations
  counts.policiesPaid += decided.policiesPaid
  counts.policiesNotPaid += decided.policiesNotPaid
  counts.policiesInReview += decided.policiesInReview
  counts.payoutsCreated += decided.payoutsCreated
}

/** Polls the shards of a page side by side; returns the legs that may be decided. */
async function pollShards(tick: Tick, shards: ClaimedPage['shards']): Promise<string[]> {
  const polled = await Promise.all(shards.map((legIds) => pollShard(tick, legIds)))
  const decidable: string[] = []
  for (const shard of polled) {
    tick.counts.polled += shard.polled
    tick.counts.changed += shard.changed
    tick.counts.failed += shard.failed
    decidable.push(...shard.decidableLegIds)
  }
  return decidable
}

const NOTHING_POLLED: PolledShard = { polled: 0, changed: 0, failed: 0, decidableLegIds: [] }

/** A shard that is given up does not end the tick: its claim runs out and its legs are due again. */
async function pollShard(tick: Tick, legIds: readonly string[]): Promise<PolledShard> {
  try {
    return await pollLegs({ legIds, claimedBy: tick.claimedBy })
  } catch (error) {
    if (isCancellation(error)) throw error
    log.warn('shard-given-up', { legs: legIds.length, error: String(error) })
    tick.counts.failedShards += 1
    return NOTHING_POLLED
  }
}

function toResult({ businessNow, ...counts }: Counts): FlightMonitorResult {
  const at = businessNow ?? counts.nominalAt
  const { polled, payoutsCreated, batchesStarted, failedShards } = counts
  setCurrentDetails(
    `at ${at}: ${polled} legs polled, ${counts.policiesPaid} policies to be paid, ` +
      `${counts.policiesNotPaid} not, ${payoutsCreated} payouts in ${batchesStarted} batches` +
      (failedShards > 0 ? `, **${failedShards} shards given up**` : ''),
  )
  return { ...counts, businessNow: at }
}
