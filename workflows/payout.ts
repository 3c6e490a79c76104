/**
 * Pays one batch, or one payout that was left over from a batch. Rounds of approve and submit until
 * nothing is open; what was paid stands in the database, so a round may be repeated at any point.
 */
import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  ChildWorkflowCancellationType,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'

import type { Approval, PayoutActivities, PayoutTarget } from '../activities/payout.ts'
import type { PayoutInput, PayoutResult } from '../jobs/payout.ts'
import { findJobOfWorkflow } from '../jobs/registry.ts'
import { workflowIdOf } from '../jobs/run-identity.ts'
import { showState } from './shared/job-state.ts'
import { SHORT_STEP, UNLIMITED_RETRY } from './shared/steps.ts'

/** Who asks, and why: kept in the history as the record of the decision. */
export type OperatorNote = { readonly by: string; readonly reason: string }

export type PayoutState = 'running' | 'held' | 'retrying' | 'parked'

export type PayoutProgress = PayoutResult & {
  readonly state: PayoutState
  /** Not sent: the kill switch, a limit or a rail without balance holds them. */
  readonly held: number
  /** Sent, but what became of them is not known. */
  readonly unknown: number
}

/**
 * Approves held payouts in a person's name, also those that the rail refused before. Above the limit
 * it takes two people: the first is told how many await the second, and refused as the second.
 */
export const approve = defineUpdate<Approval, [OperatorNote]>('approve')

/** Ends a wait now; a parked run starts its rounds anew. */
export const retry = defineUpdate<PayoutProgress, [OperatorNote]>('retry')

/** Cancels what has not been sent. What is at the rail or paid is refused. */
export const cancel = defineUpdate<{ cancelled: number; refused: number }, [OperatorNote]>('cancel')

/** Where the run stands. */
export const progress = defineQuery<PayoutProgress>('progress')

/** Rounds in which a batch stays together before single payouts leave it: most hiccups are over. */
const ROUNDS_TOGETHER = 3

/** Rounds after which the rail is asked what it knows, instead of only being sent the same again. */
const LOOK_UP_AFTER_ROUNDS = 3

/** More than this many never leave a batch: that is an outage, and the server takes tens a second. */
const STRAGGLERS_AT_MOST = 50

const step = { ...SHORT_STEP, retry: UNLIMITED_RETRY }

const { approvePayouts, cancelPayouts, planPayoutRetry } = proxyActivities<PayoutActivities>(step)

// Heartbeats tell within three seconds that a worker died in the middle of a batch.
const { submitPayouts, resolvePayouts, openPayoutReviews } = proxyActivities<PayoutActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '3 seconds',
  retry: UNLIMITED_RETRY,
})

/** Pays, and returns how the payouts ended. Stays open while money is owed and nothing helps. */
export async function payout(input: PayoutInput): Promise<PayoutResult> {
  const run = setUp(input)
  while (await payRound(run)) {
    if (workflowInfo().continueAsNewSuggested) await goOnInNewHistory(run)
    await waitForNextRound(run)
  }
  await condition(allHandlersFinished)
  tell(run, 'running')
  const { settled, rejected, cancelled, stragglers, rounds, inTransit } = run.progress
  const result = { settled, rejected, cancelled, stragglers, rounds }
  return inTransit === undefined ? result : { ...result, inTransit }
}

type Run = {
  readonly input: PayoutInput
  readonly target: PayoutTarget
  /** Rounds since the start, or since an operator said to try again. */
  roundsInRow: number
  /** An operator asked: the wait ends. */
  isWoken: boolean
  unknownPayoutIds: readonly string[]
  readonly progress: { -readonly [Field in keyof PayoutProgress]: PayoutProgress[Field] }
}

function setUp(input: PayoutInput): Run {
  const { batchId, payoutId, resume } = input
  const run: Run = {
    input,
    target: batchId === undefined ? { payoutIds: [payoutId ?? ''] } : { batchId },
    roundsInRow: resume?.rounds ?? 0,
    isWoken: false,
    unknownPayoutIds: [],
    progress: {
      state: 'running',
      settled: 0,
      rejected: 0,
      cancelled: resume?.cancelled ?? 0,
      stragglers: 0,
      rounds: resume?.rounds ?? 0,
      held: 0,
      unknown: 0,
    },
  }
  handleMessages(run)
  return run
}

function handleMessages(run: Run): void {
  const wake = (): void => {
    run.isWoken = true
    run.roundsInRow = 0
  }
  setHandler(progress, () => run.progress)
  setHandler(
    approve,
    async ({ by, reason }) => {
      const approval = await tellRefusal(approvePayouts({ ...run.target, approvedBy: by, reason }))
      wake()
      return approval
    },
    { validator: requireNote },
  )
  setHandler(
    retry,
    () => {
      wake()
      return run.progress
    },
    { validator: requireNote },
  )
  setHandler(
    cancel,
    async ({ by, reason }) => {
      const { cancelled, refused } = await cancelPayouts({ ...run.target, by, reason })
      run.progress.cancelled += cancelled
      wake()
      return { cancelled, refused }
    },
    { validator: requireNote },
  )
}

/** The step's own refusal is what the person reads, not that a step failed. */
async function tellRefusal<T>(step: Promise<T>): Promise<T> {
  try {
    return await step
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) {
      throw error.cause
    }
    throw error
  }
}

/** One round over all that is open. True when another is needed. */
async function payRound(run: Run): Promise<boolean> {
  run.isWoken = false
  run.roundsInRow += 1
  run.progress.rounds += 1
  const approval = await approvePayouts(run.target)
  const standing = await submitPayouts(run.target)
  // Histories from before `heldPayoutIds` know only what approval held.
  const heldPayoutIds = new Set(standing.heldPayoutIds)
  const held = standing.heldPayoutIds === undefined ? approval.held : heldPayoutIds.size
  run.unknownPayoutIds = standing.unknownPayoutIds.filter((id) => !heldPayoutIds.has(id))
  const unknown = run.unknownPayoutIds.length
  const rejected = standing.rejectedPayoutIds.length
  const { settled, inTransit } = standing
  const accepted = inTransit === undefined ? {} : { inTransit }
  Object.assign(run.progress, { settled, rejected, held, unknown, ...accepted })
  if (held === 0 && unknown === 0) return false
  if (unknown > 0 && held === 0 && isForStragglers(run)) {
    await Promise.all(run.unknownPayoutIds.map((payoutId) => startAlone(payoutId)))
    Object.assign(run.progress, { stragglers: unknown, unknown: 0 })
    return false
  }
  if (unknown > 0 && run.roundsInRow >= LOOK_UP_AFTER_ROUNDS) {
    const { open } = await resolvePayouts({ payoutIds: run.unknownPayoutIds })
    if (open === 0) run.isWoken = true // Nothing to wait for: the next round only counts.
  }
  return true
}

/** True when a few of a batch stay without an answer while the rest got theirs. */
function isForStragglers({ input, roundsInRow, progress }: Run): boolean {
  if (input.batchId === undefined || roundsInRow < ROUNDS_TOGETHER) return false
  const answered = progress.settled + progress.rejected + (progress.inTransit ?? 0)
  return progress.unknown <= STRAGGLERS_AT_MOST && progress.unknown <= answered
}

async function startAlone(payoutId: string): Promise<void> {
  const job = findJobOfWorkflow('payout')
  if (job === undefined) throw ApplicationFailure.nonRetryable('payout is not in the registry')
  const input: PayoutInput = { payoutId }
  try {
    await startChild(payout, {
      workflowId: workflowIdOf(job, input),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      staticSummary: `one payout, left over from batch ${workflowInfo().workflowId}`,
      typedSearchAttributes: [
        { key: defineSearchAttributeKey('JobType', 'KEYWORD'), value: job.type },
        { key: defineSearchAttributeKey('JobTrigger', 'KEYWORD'), value: 'run' },
        { key: defineSearchAttributeKey('JobPriority', 'KEYWORD'), value: job.priority },
      ],
    })
  } catch (error) {
    // It goes alone already: an earlier history of this batch started it.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}

/** Waits the planned time, or parks until an operator asks. */
async function waitForNextRound(run: Run): Promise<void> {
  if (run.isWoken) return
  const kind = waitKind(run)
  const plan = await planPayoutRetry({ kind, rounds: run.roundsInRow })
  if (plan.action === 'wait') {
    tell(run, kind === 'held' ? 'held' : 'retrying')
    await condition(() => run.isWoken, plan.wallMs)
    return
  }
  const payoutIds = run.unknownPayoutIds
  await openPayoutReviews({ payoutIds, reason: 'PAYOUT_UNSETTLED' })
  tell(run, 'parked')
  await condition(() => run.isWoken)
}

function waitKind({ input, progress }: Run): 'held' | 'outage' | 'straggler' {
  if (progress.unknown === 0) return 'held'
  return input.batchId === undefined ? 'straggler' : 'outage'
}

async function goOnInNewHistory({ input, roundsInRow, progress }: Run): Promise<never> {
  await condition(allHandlersFinished)
  const { cancelled } = progress
  return continueAsNew<typeof payout>({ ...input, resume: { rounds: roundsInRow, cancelled } })
}

/** Shows the state in lists and on the run's page. A run that never waits writes nothing. */
function tell({ progress }: Run, state: PayoutState): void {
  const { settled, rejected, held, unknown, stragglers, rounds, inTransit = 0 } = progress
  const accepted = inTransit === 0 ? '' : `${inTransit} in transit, `
  setCurrentDetails(
    `**${state}** after ${rounds} rounds: ${settled} paid, ${accepted}${rejected} refused, ${held} held, ` +
      `${unknown} without an answer, ${stragglers} go alone`,
  )
  if (progress.state === state) return
  progress.state = state
  showState(state)
}

function requireNote(note: OperatorNote): void {
  const isText = (text: unknown): boolean =>
    typeof text === 'string' && text.trim() !== '' && text.length <= 200
  if (note !== null && typeof note === 'object' && isText(note.by) && isText(note.reason)) return
  throw ApplicationFailure.create({
    message: 'by and reason are needed, each 1 to 200 characters',
    type: 'InvalidInput',
    nonRetryable: true,
  })
}
