/**
 * Puts the words of a failure into a payload, which the codec encrypts. Used by name: by the worker, by
 * clients and by the workflow bundle.
 */
import { DefaultFailureConverter, type FailureConverter } from '@temporalio/common'

/** As the SDK asks for it. */
export const failureConverter: FailureConverter = new DefaultFailureConverter({
  encodeCommonAttributes: true,
})
