/** Answers for workflow types that no job has, so that a mistyped start fails instead of hanging. */
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow'

/** Fails at once with `UnknownJob` and the type that was asked for. Not retried. */
export async function unknownJob(): Promise<never> {
  throw ApplicationFailure.create({
    message: `no job has the workflow type ${workflowInfo().workflowType}`,
    type: 'UnknownJob',
    nonRetryable: true,
  })
}
