/**
 * Looks after one review case until it is decided, or sweeps over all of them. The case itself is in the
 * database and may be decided through any door: a look finds that out.
 */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'

import type {
  ReviewOrchestrationActivities,
  ReviewVerdict,
} from '../activities/review-orchestration.ts'
import { parseReviewDecision, ReviewDecisionError } from '../domain/review-decision.ts'
import type {
  ReviewOrchestrationInput,
  ReviewOrchestrationResult,
} from '../jobs/review-orchestration.ts'
import { SHORT_STEP, STEP_RETRY, UNLIMITED_RETRY } from './shared/steps.ts'

/** What a person says: who, why, and the decision's fields. */
export type Verdict = Omit<ReviewVerdict, 'caseId'>

/** What became of a decision. */
export type Decided = Awaited<ReturnType<ReviewOrchestrationActivities['decideReview']>>

export type ReviewProgress = {
  readonly caseId: string
  readonly state: string
  readonly assignee: string | null
  readonly resolution: string | null
  readonly looks: number
}

/** Decides the case in a person's name; refused decisions change nothing and say why. */
export const decide = defineUpdate<Decided, [Verdict]>('decide')

/** Has the run look now: the case was moved elsewhere. */
export const look = defineSignal('look')

/** Where the case stands, as of the last look. */
export const progress = defineQuery<ReviewProgress>('progress')

const TEXT_LIMIT = 200

const { decideReview } = proxyActivities<ReviewOrchestrationActivities>({
  ...SHORT_STEP,
  startToCloseTimeout: '2 minutes',
  retry: STEP_RETRY,
})

// A case must not lose its run because a provider or the database is away for long.
const { tendReview } = proxyActivities<ReviewOrchestrationActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 seconds',
  retry: UNLIMITED_RETRY,
})

const { sweepReviews } = proxyActivities<ReviewOrchestrationActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  retry: STEP_RETRY,
})

/** Returns how the case ended, or what the sweep did. */
export async function reviewOrchestration(
  input: ReviewOrchestrationInput,
): Promise<ReviewOrchestrationResult> {
  const { caseId } = input
  if (caseId === undefined) {
    const swept = await sweepReviews()
    setCurrentDetails(
      `${swept.closed} closed, ${swept.started} runs started, ${swept.open} open, ` +
        `**${swept.waiting} wait for a run**`,
    )
    return { ...swept, resolution: null, looks: 0 }
  }
  return lookAfter(setUp(caseId, input.resume?.looks ?? 0))
}

type Run = {
  isWoken: boolean
  readonly progress: { -readonly [Field in keyof ReviewProgress]: ReviewProgress[Field] }
}

function setUp(caseId: string, looks: number): Run {
  const run: Run = {
    isWoken: false,
    progress: { caseId, state: 'OPEN', assignee: null, resolution: null, looks },
  }
  setHandler(progress, () => run.progress)
  setHandler(look, () => {
    run.isWoken = true
  })
  setHandler(
    decide,
    async (verdict) => {
      const decided = await tellRefusal(decideReview({ ...verdict, caseId }))
      run.isWoken = true
      return decided
    },
    { validator: requireVerdict },
  )
  return run
}

async function lookAfter(run: Run): Promise<ReviewOrchestrationResult> {
  for (;;) {
    run.isWoken = false
    const tended = await tendReview({ caseId: run.progress.caseId })
    const { state, assignee, resolution } = tended
    Object.assign(run.progress, { state, assignee, resolution, looks: run.progress.looks + 1 })
    const who = assignee === null ? '' : `, claimed by ${assignee}`
    setCurrentDetails(`**${resolution ?? state}** for ${tended.reason}${who}`)
    if (!tended.isOpen) break
    await condition(() => run.isWoken, tended.wallMs)
    if (workflowInfo().continueAsNewSuggested) await goOnInNewHistory(run)
  }
  await condition(allHandlersFinished)
  const { resolution, looks } = run.progress
  return { resolution, looks, closed: 0, started: 0, ended: 0, open: 0, waiting: 0 }
}

async function goOnInNewHistory({ progress: { caseId, looks } }: Run): Promise<never> {
  await condition(allHandlersFinished)
  return continueAsNew<typeof reviewOrchestration>({ caseId, resume: { looks } })
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

function requireVerdict(verdict: Verdict): void {
  const isText = (text: unknown): boolean =>
    typeof text === 'string' && text.trim() !== '' && text.length <= TEXT_LIMIT
  const isObject = verdict !== null && typeof verdict === 'object'
  if (!isObject || !isText(verdict.by) || !isText(verdict.reason)) {
    throw refusal('by and reason are needed, each 1 to 200 characters')
  }
  try {
    parseReviewDecision(verdict)
  } catch (error) {
    if (!(error instanceof ReviewDecisionError)) throw error
    throw refusal(`${error.field}: ${error.message}`)
  }
}

function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.create({ message, type: 'InvalidInput', nonRetryable: true })
}
