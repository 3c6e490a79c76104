/** Calls of runs as spans; a run that is started is part of the one that starts it. */
import type { WorkflowClientInterceptor } from '@temporalio/client'
import { SpanKind } from '@opentelemetry/api'
import { defaultPayloadConverter } from '@temporalio/common'

import { TRACE_HEADER, traceText } from '../../domain/trace-ref.ts'
import { currentTrace, traced } from '../tracing/spans.ts'

/** For every client of ours. */
export function tracingClient(): WorkflowClientInterceptor {
  return {
    startWithDetails: (input, next) =>
      call(`StartWorkflow:${input.workflowType}`, input.options.workflowId, () =>
        next({ ...input, headers: { ...input.headers, ...traceHeader() } }),
      ),
    signal: (input, next) =>
      call(`SignalWorkflow:${input.signalName}`, input.workflowExecution.workflowId, () =>
        next(input),
      ),
    startUpdate: (input, next) =>
      call(`UpdateWorkflow:${input.updateName}`, input.workflowExecution.workflowId, () =>
        next(input),
      ),
    cancel: (input, next) =>
      call('CancelWorkflow', input.workflowExecution.workflowId, () => next(input)),
    terminate: (input, next) =>
      call('TerminateWorkflow', input.workflowExecution.workflowId, () => next(input)),
  }
}

function call<T>(name: string, workflowId: string, work: () => Promise<T>): Promise<T> {
  const attributes = { 'temporal.workflow_id': workflowId }
  return traced(name, { kind: SpanKind.CLIENT, attributes }, work)
}

function traceHeader() {
  const ref = currentTrace()
  if (ref === null) return {}
  return { [TRACE_HEADER]: defaultPayloadConverter.toPayload(traceText(ref)) }
}
