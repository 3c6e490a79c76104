/** Ids of spans: random ones, except for runs, whose parts were told theirs before they ended. */
import { RandomIdGenerator, type IdGenerator } from '@opentelemetry/sdk-trace'

import type { TraceRef } from '../../domain/trace-ref.ts'

/** Makes ids, and lets one span have its own. */
export type Ids = IdGenerator & {
  /** The span that `make` starts first has these. Must start it at once. */
  withSpan(ref: TraceRef, make: () => void): void
}

/** Random ids. */
export function createIds(): Ids {
  const random = new RandomIdGenerator()
  let given: TraceRef | null = null
  return {
    generateTraceId: () => given?.traceId ?? random.generateTraceId(),
    generateSpanId: () => given?.spanId ?? random.generateSpanId(),
    withSpan(ref, make) {
      given = ref
      try {
        make()
      } finally {
        given = null
      }
    },
  }
}
