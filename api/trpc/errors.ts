/** Problem documents as errors of tRPC: the same fields under `data.problem`, the same HTTP status. */
import { TRPCError, type TRPC_ERROR_CODE_KEY } from '@trpc/server'

import { currentCorrelation } from '../../platform/correlation.ts'
import { ProblemError, problemDocument, type ProblemDocument } from '../problem.ts'

/** What tRPC calls the statuses that routes answer; others are `INTERNAL_SERVER_ERROR`. */
const CODES: Readonly<Record<number, TRPC_ERROR_CODE_KEY>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  503: 'SERVICE_UNAVAILABLE',
}

/** A route's refusal on its way through tRPC. */
class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly problem: ProblemDocument

  constructor(problem: ProblemDocument) {
    super(problem.detail)
    this.problem = problem
  }
}

/** The error of a problem document. */
export function refusal(problem: ProblemDocument): TRPCError {
  const code = CODES[problem.status] ?? 'INTERNAL_SERVER_ERROR'
  return new TRPCError({ code, message: problem.detail, cause: new RefusedError(problem) })
}

/** The problem that an error of tRPC tells: a route's own, or what tRPC itself refused. */
export function problemOf(error: TRPCError): ProblemDocument {
  if (error.cause instanceof RefusedError) return error.cause.problem
  return problemDocument(ownProblem(error), currentCorrelation() ?? '')
}

function ownProblem({ code, message }: TRPCError): ProblemError {
  switch (code) {
    case 'NOT_FOUND':
      return new ProblemError(404, 'not-found', message)
    case 'METHOD_NOT_SUPPORTED':
      return new ProblemError(405, 'method-not-allowed', message)
    case 'PAYLOAD_TOO_LARGE':
      return new ProblemError(413, 'too-large', message)
    case 'UNSUPPORTED_MEDIA_TYPE':
      return new ProblemError(415, 'unsupported-media-type', message)
    case 'BAD_REQUEST':
    case 'PARSE_ERROR':
      return new ProblemError(400, 'invalid-request', message)
    default:
      return new ProblemError(
        500,
        'internal',
        'the request failed; its correlation id finds the log',
      )
  }
}
