/**
 * The correlation id of the work under way, whoever asks for it. The store is one per process, as an
 * asynchronous context must be; it holds nothing outside of `withCorrelation`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

const underWay = new AsyncLocalStorage<string>()

/** Does `work`, and all that it starts, under this id. */
export function withCorrelation<T>(correlationId: string, work: () => T): T {
  return underWay.run(correlationId, work)
}

/** The id of the work under way; null outside of any. */
export function currentCorrelation(): string | null {
  return underWay.getStore() ?? null
}

/** The header that tells an outside service the id; none outside of any work. */
export function correlationHeader(): Readonly<Record<string, string>> {
  const correlationId = currentCorrelation()
  return correlationId === null ? {} : { 'x-correlation-id': correlationId }
}
