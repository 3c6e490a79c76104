/** Steps work under their run, and under its correlation id: what started it, or its own id. */
import type { Context } from '@temporalio/activity'
import { defaultPayloadConverter } from '@temporalio/common'
import type { ActivityInterceptors } from '@temporalio/worker'

import { CORRELATION_HEADER, isCorrelationId } from '../domain/correlation.ts'
import { withCorrelation, withRun } from '../platform/correlation.ts'

/** A factory for a worker's activity interceptors. */
export function activityCorrelation(): (context: Context) => ActivityInterceptors {
  return ({ info }) => ({
    inbound: {
      execute: (input, next) => {
        const payload = input.headers[CORRELATION_HEADER]
        const given: unknown = payload && defaultPayloadConverter.fromPayload(payload)
        const run = info.workflowExecution
        const correlationId = isCorrelationId(given) ? given : run?.workflowId
        const work = () => (run === undefined ? next(input) : withRun(run, () => next(input)))
        return correlationId === undefined ? work() : withCorrelation(correlationId, work)
      },
    },
  })
}
