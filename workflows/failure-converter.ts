/**
 * Puts the words of a failure into a payload, which the codec encrypts. Used by name: by the worker, by
 * clients and by the workflow bundle.
 */
import {
  ApplicationFailure,
  DefaultFailureConverter,
  type FailureConverter,
} from '@temporalio/common'

/** Failures whose words name fields and types, never a value: whoever started the run must read them. */
const READABLE: ReadonlySet<string> = new Set(['InvalidInput', 'UnknownJob'])

const encoding = new DefaultFailureConverter({ encodeCommonAttributes: true })
const plain = new DefaultFailureConverter({ encodeCommonAttributes: false })

/** As the SDK asks for it. */
export const failureConverter: FailureConverter = {
  errorToFailure(error, payloadConverter) {
    const isReadable = error instanceof ApplicationFailure && READABLE.has(error.type ?? '')
    return (isReadable ? plain : encoding).errorToFailure(error, payloadConverter)
  },
  failureToError: (failure, payloadConverter) => encoding.failureToError(failure, payloadConverter),
}
