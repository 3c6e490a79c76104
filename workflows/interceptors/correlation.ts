/**
 * Hands a run's correlation id on to its steps, to the runs it starts and to its log lines. Changes
 * nothing that a replay compares.
 */
import { defaultPayloadConverter, type Headers } from '@temporalio/common'
import type { WorkflowInterceptors } from '@temporalio/workflow'

import { CORRELATION_HEADER } from '../../domain/correlation.ts'
import { handOn } from '../shared/hand-on.ts'

/** Interceptors of a run, as the SDK asks for them. */
export function interceptors(): WorkflowInterceptors {
  let own: Headers = {}
  return {
    inbound: [
      {
        execute: async (input, next) => {
          const payload = input.headers[CORRELATION_HEADER]
          if (payload !== undefined) own = { [CORRELATION_HEADER]: payload }
          return next(input)
        },
      },
    ],
    outbound: [
      handOn(() => own),
      {
        getLogAttributes: (input, next) => {
          const payload = own[CORRELATION_HEADER]
          if (payload === undefined) return next(input)
          const correlationId: unknown = defaultPayloadConverter.fromPayload(payload)
          return next({ ...input, correlationId })
        },
      },
    ],
  }
}
