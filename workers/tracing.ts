/** Runs and their steps as spans. */
import type { Context } from '@temporalio/activity'
import { defaultPayloadConverter } from '@temporalio/common'
import type { ActivityInterceptors, InjectedSinks } from '@temporalio/worker'

import { parseTraceText, TRACE_HEADER, type TraceSinks } from '../domain/trace-ref.ts'
import { currentCorrelation } from '../platform/correlation.ts'
import { traced } from '../platform/tracing/spans.ts'
import type { Tracing } from '../platform/tracing/tracing.ts'

/** A factory for a worker's activity interceptors: a step is part of its run. */
export function activityTracing(tracing: Tracing): (context: Context) => ActivityInterceptors {
  return ({ info }) => ({
    inbound: {
      execute: (input, next) => {
        const payload = input.headers[TRACE_HEADER]
        const ref = payload && parseTraceText(defaultPayloadConverter.fromPayload(payload))
        const correlationId = currentCorrelation()
        const attributes = {
          'temporal.workflow_id': info.workflowExecution?.workflowId,
          'temporal.run_id': info.workflowExecution?.runId,
          'temporal.attempt': info.attempt,
          ...(correlationId === null ? {} : { 'groundstop.correlation_id': correlationId }),
        }
        const part = ref === null || ref === undefined ? {} : { parent: tracing.contextOf(ref) }
        return traced(`RunActivity:${info.activityType}`, { attributes, ...part }, () =>
          next(input),
        )
      },
    },
  })
}

/** Where runs tell that they have ended. */
export function traceSinks(tracing: Tracing): InjectedSinks<TraceSinks> {
  return {
    traces: {
      runEnded: {
        fn({ workflowType, workflowId, runId, taskQueue }, { outcome, ...ended }) {
          tracing.runEnded({
            ...ended,
            name: `RunWorkflow:${workflowType}`,
            isFailed: outcome === 'failed',
            attributes: {
              'temporal.workflow_id': workflowId,
              'temporal.run_id': runId,
              'temporal.task_queue': taskQueue,
              'groundstop.outcome': outcome,
            },
          })
        },
        callDuringReplay: false,
      },
    },
  }
}
