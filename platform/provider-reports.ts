/**
 * What this process sees of outside services, reported at intervals: counts of calls and the state of
 * its breakers. A report that cannot be stored is added to the next one.
 */
import type {
  CallReport,
  ProviderHealthStore,
  ReportedBreaker,
} from '../domain/ports/provider-health-store.ts'
import type { Events } from './events.ts'
import type { ProviderOutcome } from './metrics.ts'

const REPORT_EVERY_MS = 20_000

/** Outcomes that say something against the service. */
const FAILURES: readonly ProviderOutcome[] = [
  'unavailable',
  'throttled',
  'malformed',
  'auth',
  'unknown',
]
/** Calls that we did not make, or gave up ourselves. */
const UNCOUNTED: readonly ProviderOutcome[] = ['quota', 'aborted']

/** A provider of this process. */
export type ReportedProvider = {
  readonly provider: string
  readonly breakerState: () => ReportedBreaker
  readonly openConnections: () => number
}

/** Counts calls, as an observer of providers does; disposing reports once more and stops. */
export type ProviderReports = AsyncDisposable &
  Pick<Events, 'providerCalled'> & {
    /** Includes a provider in the reports. */
    readonly add: (provider: ReportedProvider) => void
    /** Reports now. Never rejects. */
    readonly report: () => Promise<void>
  }

type Count = { calls: number; failures: number; hasAnswer: boolean }

/** Reports as `reporter` every 20 s. Every call is passed on to `events` as well. */
export function createProviderReports(options: {
  readonly store: Pick<ProviderHealthStore, 'report'>
  readonly events: Pick<Events, 'providerCalled'>
  readonly reporter: string
}): ProviderReports {
  const { store, events, reporter } = options
  const providers: ReportedProvider[] = []
  const counts = new Map<string, Count>()
  const countOf = (provider: string): Count => {
    const count = counts.get(provider) ?? { calls: 0, failures: 0, hasAnswer: false }
    counts.set(provider, count)
    return count
  }
  const report = async (): Promise<void> => {
    const reports: CallReport[] = providers.map(({ provider, breakerState, openConnections }) => ({
      provider,
      breaker: breakerState(),
      openConnections: openConnections(),
      ...countOf(provider),
    }))
    if (reports.length === 0) return
    counts.clear()
    try {
      await store.report(reporter, reports)
    } catch {
      // The database's absence is told by all that needs it more; the counts go into the next report.
      for (const { provider, calls, failures, hasAnswer } of reports) {
        const count = countOf(provider)
        count.calls += calls
        count.failures += failures
        count.hasAnswer ||= hasAnswer
      }
    }
  }
  let reporting = Promise.resolve()
  const timer = setInterval(() => {
    reporting = reporting.then(report)
  }, REPORT_EVERY_MS)
  timer.unref()
  return {
    add: (provider) => void providers.push(provider),
    report,
    providerCalled(call) {
      events.providerCalled(call)
      if (UNCOUNTED.includes(call.outcome)) return
      const count = countOf(call.provider)
      const isFailure = FAILURES.includes(call.outcome)
      count.calls += 1
      count.failures += isFailure ? 1 : 0
      count.hasAnswer ||= !isFailure
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await reporting
      await report()
    },
  }
}
