/**
 * What surrounds every call to a flight-data service: a free place, the breaker, the rate, in that
 * order, so that an open breaker costs no token. Knows no dialect.
 */
import { bulkhead, BulkheadRejectedError } from 'cockatiel'
import type { ProviderResult } from '../../domain/ports/flight-data-provider.ts'
import {
  createCircuit,
  DEFAULT_CIRCUIT,
  type BreakerState,
  type CircuitOptions,
} from '../circuit.ts'
import { failure } from './aeroapi-failure.ts'
import { createTokenBucket } from './token-bucket.ts'

/** Calls that may wait for a free place: more than a tick ever has at once. */
const WAITING_LIMIT = 50_000

/** How hard a service may be asked. */
export type CallLimitOptions = {
  readonly ratePerS: number
  readonly concurrency: number
  readonly circuit?: CircuitOptions
}

/** A service's limits; one object per key and process. */
export interface CallLimits {
  readonly breakerState: BreakerState
  /** The call's outcome, or a failure without a call. Rejects only with the signal's reason. */
  run(
    call: () => Promise<ProviderResult<string>>,
    signal: AbortSignal | undefined,
  ): Promise<ProviderResult<string>>
}

/** Throws RangeError when the rate is not positive. Only UNAVAILABLE counts against the service. */
export function createCallLimits(options: CallLimitOptions): CallLimits {
  const places = bulkhead(options.concurrency, WAITING_LIMIT)
  const bucket = createTokenBucket(options.ratePerS)
  const circuitOptions = options.circuit ?? DEFAULT_CIRCUIT
  const circuit = createCircuit<ProviderResult<string>>(
    (result) => !result.ok && result.kind === 'UNAVAILABLE',
    circuitOptions,
  )
  const whenOpen = () =>
    failure('UNAVAILABLE', 'not asked: too many calls failed', {
      retryAfterMs: circuitOptions.openMs,
    })
  return {
    get breakerState() {
      return circuit.state
    },
    async run(call, signal) {
      const spaced = async () => {
        await bucket.take(signal)
        return call()
      }
      try {
        return await places.execute(() => circuit.run(spaced, whenOpen), signal)
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof BulkheadRejectedError) {
          return failure('THROTTLED', `more than ${WAITING_LIMIT} calls are waiting`)
        }
        throw error
      }
    },
  }
}
