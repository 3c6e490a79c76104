/** Runs that are started carry the correlation id of the work that starts them. */
import type { WorkflowClientInterceptor } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'

import { CORRELATION_HEADER } from '../../domain/correlation.ts'
import { currentCorrelation } from '../correlation.ts'

/** For every client of ours. */
export function correlationClient(): WorkflowClientInterceptor {
  return {
    startWithDetails(input, next) {
      const correlationId = currentCorrelation()
      if (correlationId === null) return next(input)
      const header = { [CORRELATION_HEADER]: defaultPayloadConverter.toPayload(correlationId) }
      return next({ ...input, headers: { ...input.headers, ...header } })
    },
  }
}
