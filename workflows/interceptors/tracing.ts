/**
 * Makes a run a span of its trace and hands it on to its steps and to the runs it starts. The span is told
 * when the run ends, and not in a replay. Changes nothing that a replay compares. In the bundle only where
 * spans are sent somewhere.
 */
import { defaultPayloadConverter, TemporalFailure, type Headers } from '@temporalio/common'
import {
  ContinueAsNew,
  isCancellation,
  proxySinks,
  workflowInfo,
  type WorkflowInterceptors,
} from '@temporalio/workflow'

import {
  parseTraceText,
  runSpan,
  TRACE_HEADER,
  traceText,
  type RunOutcome,
  type TraceSinks,
} from '../../domain/trace-ref.ts'
import { handOn } from '../shared/hand-on.ts'

const { traces } = proxySinks<TraceSinks>()

/** Interceptors of a run, as the SDK asks for them. */
export function interceptors(): WorkflowInterceptors {
  let own: Headers = {}
  return {
    inbound: [
      {
        execute: async (input, next) => {
          const { runId, startTime } = workflowInfo()
          const payload = input.headers[TRACE_HEADER]
          const parent = payload && parseTraceText(defaultPayloadConverter.fromPayload(payload))
          const span = runSpan(runId, parent ?? null)
          own = { [TRACE_HEADER]: defaultPayloadConverter.toPayload(traceText(span)) }
          const tell = (outcome: RunOutcome) =>
            traces.runEnded({
              ...{ span, parent: parent ?? null, outcome },
              startMs: startTime.getTime(),
              endMs: Date.now(),
            })
          try {
            const result = await next(input)
            tell('completed')
            return result
          } catch (error) {
            const outcome = outcomeOf(error)
            if (outcome !== null) tell(outcome)
            throw error
          }
        },
      },
    ],
    outbound: [handOn(() => own)],
  }
}

/** Null: the task has failed and not the run, which is tried again and has not ended. */
function outcomeOf(error: unknown): RunOutcome | null {
  if (error instanceof ContinueAsNew) return 'continued'
  if (isCancellation(error)) return 'cancelled'
  return error instanceof TemporalFailure ? 'failed' : null
}
