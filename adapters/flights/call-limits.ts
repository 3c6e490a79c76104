/**
 * What surrounds every call to a flight-data service: a free place, the breaker, the rate, in that
 * order, so that an open breaker costs no token. Knows no dialect.
 */
import { bulkhead, BulkheadRejectedError } from 'cockatiel'
import type { CallAllowance, CallPurpose } from '../../domain/ports/call-allowance.ts'
import type { ProviderFailure, ProviderResult } from '../../domain/ports/flight-data-provider.ts'
import {
  createCircuit,
  DEFAULT_CIRCUIT,
  type BreakerState,
  type CircuitOptions,
} from '../circuit.ts'
import { failure } from './aeroapi-failure.ts'
import { createLocalAllowance } from './local-allowance.ts'

/** Calls that may wait for a free place: more than a tick ever has at once. */
const WAITING_LIMIT = 50_000

/** How hard a service may be asked. */
export type CallLimitOptions = {
  /** Of this process alone, when it shares no allowance. */
  readonly ratePerS: number
  /** Rate and budget shared with other processes. */
  readonly allowance?: CallAllowance
  readonly concurrency: number
  readonly circuit?: CircuitOptions
}

/** What one call is for, and what ends the wait for its turn. */
export type CallOptions = {
  /** Default ROUTINE: the call is refused once the budget is spent. */
  readonly purpose?: CallPurpose | undefined
  readonly signal?: AbortSignal | undefined
}

/** A service's limits; one object per key and process. */
export interface CallLimits {
  readonly breakerState: BreakerState
  /** The call's outcome, or a failure without a call. Rejects only with the signal's reason. */
  run(
    call: () => Promise<ProviderResult<string>>,
    options: CallOptions,
  ): Promise<ProviderResult<string>>
}

/** Throws RangeError when the rate is not positive. Only UNAVAILABLE counts against the service. */
export function createCallLimits(options: CallLimitOptions): CallLimits {
  const places = bulkhead(options.concurrency, WAITING_LIMIT)
  const allowance = options.allowance ?? createLocalAllowance(options.ratePerS)
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
    async run(call, { purpose = 'ROUTINE', signal }) {
      const permitted = async () => {
        const permit = await permitOf(allowance, purpose, signal)
        return permit === null ? call() : permit
      }
      try {
        return await places.execute(() => circuit.run(permitted, whenOpen), signal)
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

/** Null when the call may be made. An allowance that cannot be read says nothing about the service. */
async function permitOf(
  allowance: CallAllowance,
  purpose: CallPurpose,
  signal: AbortSignal | undefined,
): Promise<ProviderFailure | null> {
  try {
    const permit = await allowance.take(purpose, signal)
    return permit.isGranted ? null : failure('QUOTA', permit.message)
  } catch (error) {
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    return failure('THROTTLED', `not asked: the calls left are not known: ${reason}`)
  }
}
