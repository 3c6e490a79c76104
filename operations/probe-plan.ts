/** Finds out what a key's plan includes, when that is due and nobody else is at it. */
import type { AllowanceKey } from '../domain/ports/call-allowance.ts'
import type { PlanProber, PlanStore } from '../domain/ports/plan-store.ts'
import {
  planAfter,
  PLAN_NOT_ANSWERED,
  probeAgainMs,
  type ProviderPlan,
} from '../domain/provider-plan.ts'
import { MINUTE_MS, SECOND_MS } from '../domain/time.ts'

/** A prober that lives is done long before. */
const LEASE_MS = MINUTE_MS
/** For all requests together: they are part of a step that has 13 s. */
const TIMEOUT_MS = 5 * SECOND_MS

/** What a probe works over. */
export type ProbePlanDeps = {
  readonly planStore: Pick<PlanStore, 'find' | 'claim' | 'save'>
  readonly prober: PlanProber
}

/**
 * The plan as found out by this call; null when nothing was due or somebody else asks. A caller that
 * dies half-way is followed by another one a minute later. Throws on cancellation and a lost database.
 */
export async function probePlan(
  { planStore, prober }: ProbePlanDeps,
  key: AllowanceKey,
  signal?: AbortSignal,
): Promise<ProviderPlan | null> {
  if (!(await planStore.claim(key, LEASE_MS))) return null
  const found = await ask(prober, signal)
  const before = await planStore.find(key)
  const plan = planAfter(before?.plan ?? null, found)
  // What this probe could not find out is asked again soon, also where it was known before.
  await planStore.save(key, plan, probeAgainMs(found))
  return plan
}

async function ask(prober: PlanProber, signal: AbortSignal | undefined): Promise<ProviderPlan> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    return await prober.probePlan(
      signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    )
  } catch (error) {
    signal?.throwIfAborted()
    if (!timeout.aborted) throw error
    return PLAN_NOT_ANSWERED
  }
}
