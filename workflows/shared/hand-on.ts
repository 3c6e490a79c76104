/** Headers of a run that go with whatever it starts. */
import type { Headers } from '@temporalio/common'
import type { WorkflowOutboundCallsInterceptor } from '@temporalio/workflow'

/** Hands `own` on to steps, to the runs that are started and to the run that goes on. Asked at each of them. */
export function handOn(own: () => Headers): WorkflowOutboundCallsInterceptor {
  const carrying = <Input extends { readonly headers: Headers }>(input: Input): Input => ({
    ...input,
    headers: { ...input.headers, ...own() },
  })
  return {
    scheduleActivity: (input, next) => next(carrying(input)),
    scheduleLocalActivity: (input, next) => next(carrying(input)),
    startChildWorkflowExecution: (input, next) => next(carrying(input)),
    continueAsNew: (input, next) => next(carrying(input)),
  }
}
