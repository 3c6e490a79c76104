/** What the history of an ended run tells beyond its status: retries and the type of its error. */
import type { Client } from '@temporalio/client'
import type { temporal } from '@temporalio/proto'

type Failure = temporal.api.failure.v1.IFailure
type HistoryEvent = temporal.api.history.v1.IHistoryEvent

/** What the newest events of an ended run tell. */
export type RunTrail = {
  /** One entry per retry of a step, or of the run itself: 1 for a second try, 2 for a third. */
  readonly retries: readonly number[]
  /** Stable type of the innermost application failure; null for a run that did not fail. */
  readonly errorType: string | null
}

/** Events read: a run of ours has tens. The last page holds how it ended. */
const EVENTS_LIMIT = 1_000

/** Types become labels: those that do not look like one of ours share a label. */
const ERROR_TYPE = /^[A-Z][A-Za-z]{2,39}$/
const FAILURE_DEPTH = 10

/** Reads the newest events of a run. */
export async function readRunTrail(
  client: Client,
  run: { readonly workflowId: string; readonly runId: string },
): Promise<RunTrail> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId: run.workflowId, runId: run.runId },
    maximumPageSize: EVENTS_LIMIT,
  })
  const events = history?.events ?? []
  return {
    retries: events.flatMap(retriesOf),
    errorType: errorTypeOf(events[0]?.workflowExecutionFailedEventAttributes?.failure),
  }
}

function retriesOf(event: HistoryEvent): number[] {
  const attempt =
    event.activityTaskStartedEventAttributes?.attempt ??
    event.workflowExecutionStartedEventAttributes?.attempt ??
    1
  // A run's own retries are runs of their own: each counts the one that made it.
  if (event.workflowExecutionStartedEventAttributes) return attempt > 1 ? [attempt - 1] : []
  return Array.from({ length: Math.max(0, attempt - 1) }, (_, i) => i + 1)
}

function errorTypeOf(failure: Failure | null | undefined): string | null {
  if (failure === null || failure === undefined) return null
  let type: string | null | undefined = null
  let inner: Failure | null | undefined = failure
  for (let depth = 0; depth < FAILURE_DEPTH && inner; depth += 1) {
    if (inner.timeoutFailureInfo) type = 'StepTimeout'
    type = inner.applicationFailureInfo?.type ?? type
    inner = inner.cause
  }
  return type !== null && type !== undefined && ERROR_TYPE.test(type) ? type : 'Other'
}
