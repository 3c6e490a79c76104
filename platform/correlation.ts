/**
 * The correlation id and the run of the work under way, whoever asks for them. The stores are one per
 * process, as an asynchronous context must be; they hold nothing outside of `withCorrelation` and `withRun`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

const underWay = new AsyncLocalStorage<string>()

/** One run of a workflow. */
export type RunRef = { readonly workflowId: string; readonly runId: string }

const runUnderWay = new AsyncLocalStorage<RunRef>()

/** Does `work`, and all that it starts, as a step of this run. */
export function withRun<T>(run: RunRef, work: () => T): T {
  return runUnderWay.run(run, work)
}

/** The run whose step is under way; null outside of any. */
export function currentRun(): RunRef | null {
  return runUnderWay.getStore() ?? null
}

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
