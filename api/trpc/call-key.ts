/**
 * The idempotency key of a procedure's call: its input's, or the request's header. Routes keep the key;
 * here it is only found, and refused where the two do not say one thing.
 */
import type { Request } from 'express'

import { ProblemError } from '../problem.ts'

/** The request of a call, and how many calls it has. */
export type KeyedCalls = { readonly request: Request; readonly calls: number }

const PATH = 'Idempotency-Key'

/**
 * The key of a change, undefined without one. Throws ProblemError: 422 when header and input name
 * different keys, 400 when one header stands before several calls, which would share their effect.
 */
export function keyOfCall(
  { request, calls }: KeyedCalls,
  inputKey: string | undefined,
): string | undefined {
  const own = inputKey === undefined ? undefined : asSent(inputKey)
  const header = request.get(PATH)
  if (header === undefined) return own
  if (calls > 1) {
    throw refused(400, 'is for one call: in a batch give each its own as idempotencyKey')
  }
  if (own !== undefined && own !== header) {
    throw refused(422, 'differs from idempotencyKey of the input')
  }
  return header
}

function refused(status: 400 | 422, message: string): ProblemError {
  return new ProblemError(status, 'invalid-request', `${PATH}: ${message}`, {
    errors: [{ path: PATH, message }],
  })
}

/** As a header arrives: blanks around its value are none of it (RFC 9110, 5.5). */
function asSent(value: string): string {
  return value.replaceAll(/^[ \t]+|[ \t]+$/g, '')
}
