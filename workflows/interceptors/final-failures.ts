/**
 * A run whose step failed for good fails for good: the server would otherwise repeat the whole run,
 * because what it looks at is the wrapper that says which step it was, and not the reason inside.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  type WorkflowInterceptors,
} from '@temporalio/workflow'

/** Interceptors of a run, as the SDK asks for them. */
export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        execute: async (input, next) => {
          try {
            return await next(input)
          } catch (error) {
            throw toFinal(error)
          }
        },
      },
    ],
  }
}

/** The same failure, and where its reason is final, said to be so. */
function toFinal(error: unknown): unknown {
  if (!(error instanceof ActivityFailure || error instanceof ChildWorkflowFailure)) return error
  const { cause } = error
  if (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) {
    return toFinal(cause)
  }
  if (!(cause instanceof ApplicationFailure) || cause.nonRetryable !== true) return error
  return ApplicationFailure.create({
    message: cause.message,
    type: cause.type ?? 'Unexpected',
    nonRetryable: true,
    cause: error,
  })
}
