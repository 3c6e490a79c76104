/** Tells of steps that are tried again and of steps that failed, whatever job they belong to. */
import type { Context } from '@temporalio/activity'
import type { ActivityInboundCallsInterceptor, ActivityInterceptors } from '@temporalio/worker'

import { findJobOfWorkflow } from '../jobs/registry.ts'
import type { Events } from '../platform/events.ts'

/** A factory for a worker's activity interceptors. */
export function activityEvents(events: Events): (context: Context) => ActivityInterceptors {
  return (context) => ({ inbound: inbound(events, context) })
}

function inbound(events: Events, { info }: Context): ActivityInboundCallsInterceptor {
  return {
    execute: (input, next) => {
      if (info.attempt > 1) {
        const { workflowType = '', workflowExecution, activityType, attempt, taskQueue } = info
        events.jobRetried({
          jobType: findJobOfWorkflow(workflowType)?.type ?? 'UNKNOWN',
          jobId: workflowExecution?.workflowId ?? '',
          queue: taskQueue,
          step: activityType,
          retry: attempt - 1,
        })
      }
      return next(input)
    },
  }
}
