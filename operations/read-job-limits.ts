/** Jobs that have limits, as people see them: what holds, who is at work, who waits in which order. */
import { JOBS_LIMITS, limitsInForce } from '../domain/job-limits.ts'
import type { JobPlaces, ShownPlace } from '../domain/ports/job-places.ts'
import type { SettingStore } from '../domain/ports/setting-store.ts'
import { MINUTE_MS } from '../domain/time.ts'
import { allJobs } from '../jobs/registry.ts'

/** A run and since when it has what it has. */
export type LimitedRun = Pick<ShownPlace, 'workflowId' | 'runId' | 'priority' | 'askedAt'>

/** One job's limits. */
export type ShownJobLimits = {
  readonly job: string
  /** Null: no limit. */
  readonly concurrent: number | null
  readonly perMinute: number | null
  readonly atWork: readonly LimitedRun[]
  /** In the order in which they are served. */
  readonly waiting: readonly LimitedRun[]
}

/** Every job that declares limits, in the registry's order; at most 200 runs in all. */
export async function readJobLimits({
  jobPlaces,
  settingStore,
}: {
  readonly jobPlaces: Pick<JobPlaces, 'list'>
  readonly settingStore: Pick<SettingStore, 'read'>
}): Promise<ShownJobLimits[]> {
  const [places, setting] = await Promise.all([jobPlaces.list(), settingStore.read(JOBS_LIMITS)])
  return allJobs().flatMap(({ name, limits }) => {
    if (limits === undefined) return []
    const { concurrent, startEveryMs } = limitsInForce(name, limits, setting)
    const perMinute = startEveryMs === null ? null : Math.round(MINUTE_MS / startEveryMs)
    const own = places.filter(({ job }) => job === name)
    const atWork = own.filter(({ grantedAt }) => grantedAt !== null).map(limitedRun)
    const waiting = own.filter(({ grantedAt }) => grantedAt === null).map(limitedRun)
    return [{ job: name, concurrent, perMinute, atWork, waiting }]
  })
}

function limitedRun({ workflowId, runId, priority, askedAt }: ShownPlace): LimitedRun {
  return { workflowId, runId, priority, askedAt }
}
