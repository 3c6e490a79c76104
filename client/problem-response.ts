/** What the API refused, as an error with the fields of its problem document. */

/** One field that is wrong. */
export type WrongField = { readonly path: string; readonly message: string }

/** An answer that is an error. `code` is stable and names the kind; the message is for people. */
export class ProblemResponseError extends Error {
  override readonly name = 'ProblemResponseError'
  readonly status: number
  /** `invalid-request`, `forbidden`, ...; `unknown` when the answer was not the API's. */
  readonly code: string
  readonly title: string
  readonly errors: readonly WrongField[]
  /** Finds the request in the logs. */
  readonly correlationId: string | null
  /** Whole seconds after which a repeat may succeed. */
  readonly retryAfterS: number | null

  constructor(status: number, problem: Problem, headers: Headers) {
    super(problem.detail ?? `answered ${status}`)
    this.status = status
    this.code = problem.type?.split(':').at(-1) ?? 'unknown'
    this.title = problem.title ?? `answered ${status}`
    this.errors = problem.errors ?? []
    this.correlationId = problem.correlationId ?? headers.get('x-correlation-id')
    const retryAfterS = Number(headers.get('retry-after') ?? Number.NaN)
    this.retryAfterS = Number.isFinite(retryAfterS) ? retryAfterS : null
  }
}

type Problem = {
  readonly type?: string
  readonly title?: string
  readonly detail?: string
  readonly errors?: readonly WrongField[]
  readonly correlationId?: string
}

/** The error of an answer; something between us and the API may have answered without a document. */
export function problemOf({ status, headers }: Response, text: string): ProblemResponseError {
  const isProblem = /problem\+json/.test(headers.get('content-type') ?? '')
  const problem = isProblem ? (JSON.parse(text) as Problem) : {} // as the API promises
  return new ProblemResponseError(status, problem, headers)
}
