/** A key's plan as a process knows it: read again at most once a minute. Knows no database and no dialect. */
import type { AllowanceKey } from '../../domain/ports/call-allowance.ts'
import type { HeldPlan, PlanStore } from '../../domain/ports/plan-store.ts'
import { UNKNOWN_PLAN, type ProviderPlan } from '../../domain/provider-plan.ts'
import { MINUTE_MS } from '../../domain/time.ts'

/** What a held plan is built from. */
export type HeldPlanOptions = AllowanceKey & {
  readonly store: Pick<PlanStore, 'find'>
  /** How long a plan is believed; default a minute. Milliseconds. */
  readonly heldMs?: number
  readonly monotonicMs?: () => number
}

/** Reads lazily; callers at the same time share one query. */
export function createHeldPlan(options: HeldPlanOptions): HeldPlan {
  const { provider, keyId, store, heldMs = MINUTE_MS } = options
  const monotonicMs = options.monotonicMs ?? (() => performance.now())
  let known: ProviderPlan = UNKNOWN_PLAN
  let readAtMs = Number.NEGATIVE_INFINITY
  let reading: Promise<ProviderPlan> | null = null
  const readAgain = async (): Promise<ProviderPlan> => {
    try {
      known = (await store.find({ provider, keyId }))?.plan ?? UNKNOWN_PLAN
    } catch {
      // The database's absence is told by all that needs it more; the plan known last still holds.
    }
    readAtMs = monotonicMs()
    reading = null
    return known
  }
  return {
    read() {
      if (reading !== null) return reading
      if (monotonicMs() - readAtMs < heldMs) return Promise.resolve(known)
      reading = readAgain()
      return reading
    },
  }
}
