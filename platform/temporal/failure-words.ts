/** Reads what a recorded failure says, also when its words are encrypted. */
import type { Client } from '@temporalio/client'
import { decodeFailure } from '@temporalio/common/lib/internal-non-workflow/index.js'
import type { temporal } from '@temporalio/proto'

import { PayloadKeyError } from './payload-codec.ts'

type Failure = temporal.api.failure.v1.IFailure

/** Wrappers of a failure, innermost cause included. */
const FAILURE_DEPTH = 10

/**
 * The failure with its words in place, causes too. A key that is missing leaves words that say which:
 * how a run ended is worth knowing without its reason.
 */
export async function readableFailure(
  client: Client,
  failure: Failure | null | undefined,
): Promise<Failure | null> {
  if (failure === null || failure === undefined) return null
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter
  try {
    const opened = await decodeFailure(payloadCodecs, failure)
    return withWords(opened, (payload) => payloadConverter.fromPayload(payload), 0)
  } catch (error) {
    if (!(error instanceof PayloadKeyError)) throw error
    return withMessage(failure, error.message, 0)
  }
}

/** At every level: whoever reads the innermost reason must not take a placeholder for it. */
function withMessage(failure: Failure, message: string, depth: number): Failure {
  const { cause } = failure
  const isDeeper = cause && depth < FAILURE_DEPTH
  const inner = isDeeper ? { cause: withMessage(cause, message, depth + 1) } : {}
  return { ...failure, message, ...inner }
}

type Convert = (payload: NonNullable<Failure['encodedAttributes']>) => unknown

function withWords(failure: Failure, convert: Convert, depth: number): Failure {
  const { encodedAttributes, cause } = failure
  const words: unknown = encodedAttributes ? convert(encodedAttributes) : null
  const isWords = typeof words === 'object' && words !== null && 'message' in words
  const message = isWords && typeof words.message === 'string' ? words.message : failure.message
  return {
    ...failure,
    ...(message === undefined ? {} : { message }),
    ...(cause && depth < FAILURE_DEPTH ? { cause: withWords(cause, convert, depth + 1) } : {}),
  }
}
