/**
 * A circuit breaker around an outside service: after half of the recent calls failed it answers at
 * once, without a call, until a trial call succeeds. Outcomes are values, so nothing here throws.
 */
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  CountBreaker,
  handleWhenResult,
} from 'cockatiel'

/** What a breaker looks like from outside, for metrics and health. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** What health and metrics read of an adapter. */
export type ReportedState = {
  readonly breakerState: () => BreakerState
  /** Connections that are open now, idle ones included. */
  readonly openConnections: () => number
}

/** When a circuit opens and when it tries again. */
export type CircuitOptions = {
  /** Share of the last `windowCalls` that must fail before it opens. */
  readonly failureShare: number
  readonly windowCalls: number
  /** Calls seen before it may open. */
  readonly minimumCalls: number
  /** How long it stays open before one trial call. */
  readonly openMs: number
}

/** Opens at 50 % of the last 40 calls (20 at least), for 5 s. */
export const DEFAULT_CIRCUIT: CircuitOptions = {
  failureShare: 0.5,
  windowCalls: 40,
  minimumCalls: 20,
  openMs: 5_000,
}

/** A breaker around calls to one outside service. */
export interface Circuit<T> {
  readonly state: BreakerState
  /** The call's outcome, or `whenOpen()` without a call. Rejects only when the call rejects. */
  run(call: () => Promise<T>, whenOpen: () => T): Promise<T>
}

/** A breaker that counts outcomes for which `isFailure` holds. */
export function createCircuit<T>(
  isFailure: (outcome: T) => boolean,
  options: CircuitOptions = DEFAULT_CIRCUIT,
): Circuit<T> {
  // Every result passes through `run`, so it is a T.
  const policy = circuitBreaker(
    handleWhenResult((result) => isFailure(result as T)),
    {
      halfOpenAfter: options.openMs,
      breaker: new CountBreaker({
        threshold: options.failureShare,
        size: options.windowCalls,
        minimumNumberOfCalls: options.minimumCalls,
      }),
    },
  )
  return {
    get state() {
      if (policy.state === CircuitState.HalfOpen) return 'half-open'
      return policy.state === CircuitState.Closed ? 'closed' : 'open'
    },
    async run(call, whenOpen) {
      try {
        return await policy.execute(call)
      } catch (error) {
        if (error instanceof BrokenCircuitError) return whenOpen()
        throw error
      }
    },
  }
}
