/** Looks after every outside service: asks those that did not answer just now, judges, stores. */
import type { AllowanceStore } from '../domain/ports/call-allowance.ts'
import type {
  CallSigns,
  JudgedProvider,
  ProviderHealthStore,
  ProviderStateChange,
} from '../domain/ports/provider-health-store.ts'
import type { ProbeAnswer, ProviderProbe } from '../domain/ports/provider-probe.ts'
import { judgeProvider } from '../domain/provider-health.ts'
import { MINUTE_MS } from '../domain/time.ts'

/** A call of ours that was answered within this says as much as asking would. */
const RECENT_MS = MINUTE_MS

/** A service that is looked after. */
export type WatchedProvider = {
  readonly probe: ProviderProbe
  /** Whose calls are counted against its budgets; null when its calls are not counted. */
  readonly keyId: string | null
  readonly dayBudget: number | null
  readonly monthBudget: number | null
}

/** What the check works over. */
export type CheckProvidersDeps = {
  readonly providers: readonly WatchedProvider[]
  readonly healthStore: Pick<ProviderHealthStore, 'signs' | 'save'>
  readonly allowanceStore: Pick<AllowanceStore, 'list'>
}

/** Every provider as judged, and what changed. */
export type CheckedProviders = {
  readonly providers: readonly JudgedProvider[]
  readonly changes: readonly ProviderStateChange[]
}

/** May be repeated: a state that is judged again is no change. Throws when the database fails. */
export async function checkProviders(
  deps: CheckProvidersDeps,
  options: { readonly signal?: AbortSignal } = {},
): Promise<CheckedProviders> {
  const [signs, uses] = await Promise.all([deps.healthStore.signs(), deps.allowanceStore.list()])
  const providers = await Promise.all(
    deps.providers.map(async (watched) => {
      const { provider } = watched.probe
      const seen = signs.find((sign) => sign.provider === provider) ?? nothingSeen(provider)
      const use = uses.find(({ provider: of, keyId }) => of === provider && keyId === watched.keyId)
      const units = { dayUnits: use?.dayUnits ?? 0, monthUnits: use?.monthUnits ?? 0 }
      return judge(watched, seen, units, options.signal)
    }),
  )
  return { providers, changes: await deps.healthStore.save(providers) }
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

async function judge(
  { probe, dayBudget, monthBudget }: WatchedProvider,
  seen: CallSigns,
  units: { readonly dayUnits: number; readonly monthUnits: number },
  signal: AbortSignal | undefined,
): Promise<JudgedProvider> {
  const isRecent = seen.sinceAnswerMs !== null && seen.sinceAnswerMs <= RECENT_MS
  const answer = isRecent ? null : await askTwice(probe, signal)
  const { provider, calls, failures, processes, openBreakers } = seen
  const isBudgetSpent =
    (dayBudget !== null && units.dayUnits >= dayBudget) ||
    (monthBudget !== null && units.monthUnits >= monthBudget)
  const contact = answer === null ? 'recent' : answer.kind
  return {
    provider,
    ...judgeProvider({ contact, calls, failures, openBreakers, isBudgetSpent }),
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

/** One lost packet is no outage: silence counts when it is met twice. */
async function askTwice(
  probe: ProviderProbe,
  signal: AbortSignal | undefined,
): Promise<ProbeAnswer> {
  const first = await probe.probe(signal)
  return first.kind === 'silent' ? await probe.probe(signal) : first
}
