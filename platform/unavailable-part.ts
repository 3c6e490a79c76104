/** Which part of the product an error says does not answer. Knows codes only; what to do is the caller's. */

/** A part that everything else waits for. */
export type Part = 'temporal' | 'database'

/** The part that does not answer, by the error or one of its causes; null: the error says something else. */
export function unavailablePart(error: unknown): Part | null {
  return partOf(error, 0)
}

/** gRPC: CANCELLED by our own deadline, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const TEMPORAL_DOWN = new Set<unknown>([1, 4, 8, 14])
/** Node's network errors, and Postgres' classes 08 (connection), 53 (resources), 57P (shutdown). */
const DATABASE_DOWN = /^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|EHOSTUNREACH|08|53|57P)/
const POOL_TIMEOUT = /timeout exceeded when trying to connect|Connection terminated/

/** Chains of causes are this deep at most; a cycle must not hang the answer. */
const CAUSE_DEPTH = 5

function partOf(error: unknown, depth: number): Part | null {
  if (!(error instanceof Error) || depth > CAUSE_DEPTH) return null
  const code = 'code' in error ? error.code : undefined
  if (TEMPORAL_DOWN.has(code)) return 'temporal'
  if (typeof code === 'string' && DATABASE_DOWN.test(code)) return 'database'
  if (POOL_TIMEOUT.test(error.message)) return 'database'
  const causes: unknown[] = error instanceof AggregateError ? error.errors : [error.cause]
  return causes.reduce<Part | null>((found, cause) => found ?? partOf(cause, depth + 1), null)
}
