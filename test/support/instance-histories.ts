/** Fakes and recorded cases of the cleanup of providers' instances, for `history-cases.ts` and its workflow test. */
import type { ProviderInstanceCleanupActivities } from '../../activities/provider-instance-cleanup.ts'
import type { ProviderInstanceCleanupResult } from '../../jobs/provider-instance-cleanup.ts'
import type { HistoryCase } from './history-cases.ts'

/** What the fake found: one process of three is gone. */
export const SOME_STALE: ProviderInstanceCleanupResult = {
  processes: 3,
  keyHolders: 1,
  allowances: 1,
  plans: 0,
  states: 0,
  isComplete: true,
  open: [{ provider: 'aeroapi', processes: 2, connections: 5 }],
}

/** Activities of `provider-instance-cleanup`. */
export function fakeInstanceCleanup(
  change: Partial<ProviderInstanceCleanupActivities> = {},
): ProviderInstanceCleanupActivities {
  return { removeStaleInstances: async () => SOME_STALE, ...change }
}

/** The runs whose histories are recorded. */
export function instanceCases({
  failingOnce,
}: {
  readonly failingOnce: <T>(answer: T) => () => Promise<T>
}): HistoryCase[] {
  const job = 'provider-instance-cleanup'
  return [
    { job, name: 'some-stale', input: {}, activities: () => fakeInstanceCleanup() },
    {
      job,
      name: 'step-retried',
      input: {},
      activities: () => fakeInstanceCleanup({ removeStaleInstances: failingOnce(SOME_STALE) }),
    },
  ]
}
