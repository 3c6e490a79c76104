/**
 * Looks after every outside service: asks those that did not answer just now, finds out what a plan
 * includes when that is due, judges, stores.
 */
import type { AllowanceStore } from '../domain/ports/call-allowance.ts'
import type {
  CallSigns,
  JudgedProvider,
  ProviderHealthStore,
  ProviderStateChange,
} from '../domain/ports/provider-health-store.ts'
import type { PlanProber, PlanStore } from '../domain/ports/plan-store.ts'
import type { ProbeAnswer, ProviderProbe } from '../domain/ports/provider-probe.ts'
import { judgeProvider } from '../domain/provider-health.ts'
import type { ProviderPlan } from '../domain/provider-plan.ts'
import { MINUTE_MS } from '../domain/time.ts'
import { probePlan } from './probe-plan.ts'

/** A call of ours that was answered within this says as much as asking would. */
const RECENT_MS = MINUTE_MS

/** A service that is looked after. */
export type WatchedProvider = {
  readonly probe: ProviderProbe
  /** Whose calls are counted against its budgets; null when its calls are not counted. */
  readonly keyId: string | null
  readonly dayBudget: number | null
  readonly monthBudget: number | null
  /** Finds out what its key's plan includes; absent: every plan includes what is asked for. */
  readonly prober?: PlanProber
}

/** What the check works over. */
export type CheckProvidersDeps = {
  readonly providers: readonly WatchedProvider[]
  readonly healthStore: Pick<ProviderHealthStore, 'signs' | 'save'>
  readonly allowanceStore: Pick<AllowanceStore, 'list'>
  readonly planStore: Pick<PlanStore, 'find' | 'claim' | 'save'>
}

/** Every provider as judged, and what changed. */
export type CheckedProviders = {
  readonly providers: readonly JudgedProvider[]
  readonly changes: readonly ProviderStateChange[]
  /** Plans that this check found out. */
  readonly plans: readonly { readonly provider: string; readonly plan: ProviderPlan }[]
}

/** May be repeated: a state that is judged again is no change. Throws when the database fails. */
export async function checkProviders(
  deps: CheckProvidersDeps,
  options: { readonly signal?: AbortSignal } = {},
): Promise<CheckedProviders> {
  const { healthStore, allowanceStore } = deps
  const [signs, uses] = await Promise.all([healthStore.signs(), allowanceStore.list()])
  // Side by side, so that a slow service has time for both within a check.
  const [plans, contacts] = await Promise.all([
    probePlans(deps, options.signal),
    Promise.all(deps.providers.map(({ probe }) => contactOf(probe, signs, options.signal))),
  ])
  const providers = await Promise.all(
    deps.providers.map(async (watched, at) => {
      const { provider } = watched.probe
      const seen = signs.find((sign) => sign.provider === provider) ?? nothingSeen(provider)
      const use = uses.find(({ provider: of, keyId }) => of === provider && keyId === watched.keyId)
      const units = { dayUnits: use?.dayUnits ?? 0, monthUnits: use?.monthUnits ?? 0 }
      const isPlanRefused = await isRefused(deps, watched)
      return judge(watched, { seen, units, isPlanRefused, answer: contacts[at] ?? null })
    }),
  )
  return { providers, changes: await healthStore.save(providers), plans }
}

/** The plans that were due and nobody else was finding out. Safe to repeat, and at any time. */
export async function probePlans(
  { providers, planStore }: Pick<CheckProvidersDeps, 'providers' | 'planStore'>,
  signal?: AbortSignal,
): Promise<CheckedProviders['plans']> {
  const found = await Promise.all(
    providers.map(async ({ probe: { provider }, keyId, prober }) => {
      if (prober === undefined || keyId === null) return null
      const plan = await probePlan({ planStore, prober }, { provider, keyId }, signal)
      return plan === null ? null : { provider, plan }
    }),
  )
  return found.filter((one) => one !== null)
}

async function isRefused(
  { planStore }: CheckProvidersDeps,
  { probe: { provider }, keyId, prober }: WatchedProvider,
): Promise<boolean> {
  if (prober === undefined || keyId === null) return false
  return (await planStore.find({ provider, keyId }))?.plan.present.verdict === 'refused'
}

function nothingSeen(provider: string): CallSigns {
  return {
    provider,
    calls: 0,
    failures: 0,
    processes: 0,
    openBreakers: 0,
    lastAnswerAt: null,
    sinceAnswerMs: null,
  }
}

type Known = {
  readonly seen: CallSigns
  readonly units: { readonly dayUnits: number; readonly monthUnits: number }
  readonly isPlanRefused: boolean
  /** Null: it answered a call just before. */
  readonly answer: ProbeAnswer | null
}

function judge(
  { probe, keyId, dayBudget, monthBudget }: WatchedProvider,
  { seen, units, isPlanRefused, answer }: Known,
): JudgedProvider {
  const { provider } = probe
  const { calls, failures, processes, openBreakers } = seen
  const isBudgetSpent =
    (dayBudget !== null && units.dayUnits >= dayBudget) ||
    (monthBudget !== null && units.monthUnits >= monthBudget)
  const contact = answer === null ? 'recent' : answer.kind
  return {
    provider,
    keyId,
    ...judgeProvider({
      contact,
      isPlanRefused,
      calls,
      failures,
      openBreakers,
      isBudgetSpent,
    }),
    answeredInMs: answer?.kind === 'answered' ? answer.durationMs : null,
    calls,
    failures,
    processes,
    openBreakers,
    ...units,
    dayBudget,
    monthBudget,
  }
}

/** Null when it answered a call of ours just before: then it is not asked. */
async function contactOf(
  probe: ProviderProbe,
  signs: readonly CallSigns[],
  signal: AbortSignal | undefined,
): Promise<ProbeAnswer | null> {
  const sinceMs = signs.find(({ provider }) => provider === probe.provider)?.sinceAnswerMs ?? null
  return sinceMs !== null && sinceMs <= RECENT_MS ? null : await askTwice(probe, signal)
}

/** One lost packet is no outage: silence counts when it is met twice. */
async function askTwice(
  probe: ProviderProbe,
  signal: AbortSignal | undefined,
): Promise<ProbeAnswer> {
  const first = await probe.probe(signal)
  return first.kind === 'silent' ? await probe.probe(signal) : first
}
