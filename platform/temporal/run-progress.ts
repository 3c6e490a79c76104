/** How far open runs are: what their steps told with their last heartbeats. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'

import { readableFailure } from './failure-words.ts'

/** A step that is under way or waits. */
export type StepProgress = {
  /** Name of the activity. */
  readonly step: string
  /** From 1; more than 1 after failures. */
  readonly attempt: number
  /** What the step counts: legs, policies, tables. Null while it has told nothing. */
  readonly done: number | null
  /** Null where it is not known beforehand. */
  readonly total: number | null
  /** Why the attempt before failed. */
  readonly lastFailure: string | null
}

/** All steps of a run together. */
export type RunProgress = {
  /** Sum over the steps that count. */
  readonly done: number
  /** Null when one of them does not know its own. */
  readonly total: number | null
  /** `pollLegs 12/40, decideLegs attempt 3: the database is away`. */
  readonly message: string
  readonly steps: readonly StepProgress[]
}

/** Steps shown of a run: hundreds may be open side by side. */
const STEPS_SHOWN = 20

type PendingStep = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number]

/** The progress of a run that was described; null when no step is open. Costs no call. */
export async function progressOf(
  client: Client,
  { raw }: Pick<WorkflowExecutionDescription, 'raw'>,
): Promise<RunProgress | null> {
  const pending = raw.pendingActivities ?? []
  if (pending.length === 0) return null
  const steps = await Promise.all(pending.map((step) => stepOf(client, step)))
  const counting = steps.filter(({ done }) => done !== null)
  const isKnown = counting.length === steps.length && counting.every(({ total }) => total !== null)
  const sum = (of: (step: StepProgress) => number | null): number =>
    counting.reduce((total, step) => total + (of(step) ?? 0), 0)
  return {
    done: sum(({ done }) => done),
    total: isKnown ? sum(({ total }) => total) : null,
    message: messageOf(steps),
    steps: steps.slice(0, STEPS_SHOWN),
  }
}

async function stepOf(client: Client, pending: PendingStep): Promise<StepProgress> {
  const [told] = await decodeArrayFromPayloads(
    client.options.loadedDataConverter,
    pending.heartbeatDetails?.payloads,
  )
  const lastFailure = await readableFailure(client, pending.lastFailure)
  const { done, total } = isProgress(told) ? told : { done: null, total: null }
  return {
    step: pending.activityType?.name ?? '',
    attempt: pending.attempt ?? 1,
    done,
    // What is counted without a known end is told as its own total.
    total: total !== null && done !== null && total > done ? total : null,
    lastFailure: lastFailure?.message ?? null,
  }
}

function isProgress(told: unknown): told is { readonly done: number; readonly total: number } {
  if (typeof told !== 'object' || told === null) return false
  return (
    'done' in told &&
    typeof told.done === 'number' &&
    'total' in told &&
    typeof told.total === 'number'
  )
}

/** Steps named in a message. */
const STEPS_NAMED = 3

function messageOf(steps: readonly StepProgress[]): string {
  const named = steps.slice(0, STEPS_NAMED).map(({ step, attempt, done, total, lastFailure }) => {
    const count = done === null ? '' : ` ${done}${total === null ? '' : `/${total}`}`
    const tries = attempt > 1 ? ` attempt ${attempt}` : ''
    return `${step}${count}${tries}${lastFailure === null ? '' : `: ${lastFailure}`}`
  })
  const others = steps.length - named.length
  return [...named, ...(others > 0 ? [`${others} more`] : [])].join(', ')
}
