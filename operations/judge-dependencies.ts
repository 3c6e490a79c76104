/**
 * Whether the jobs that a run comes after have done their part. Two jobs seldom fire together, so "the
 * same nominal time" is the last time of the other job that is not after the run's own.
 */
import { lastFire } from '../domain/expected-fires.ts'
import type { DependencyRuns } from '../domain/ports/dependency-runs.ts'
import { addMs, type Instant } from '../domain/time.ts'
import { findJob } from '../jobs/registry.ts'

/** `waiting` may change by itself; `failed` only when somebody does something. */
export type DependencyVerdict =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'waiting' | 'failed'; readonly reason: string }

/** A scheduled run that comes after others. */
export type DependentRun = {
  readonly job: string
  readonly after: readonly string[]
  readonly nominalAt: Instant
}

/** The first failure among the jobs, else the first that is waited for. Reads only. */
export async function judgeDependencies(
  deps: { readonly dependencyRuns: DependencyRuns },
  { job, after, nominalAt }: DependentRun,
): Promise<DependencyVerdict> {
  const own = await deps.dependencyRuns.readSchedule(job)
  // Without the offsets of spread schedules: they are no order between jobs.
  const namedAt = addMs(nominalAt, -(own?.spreadMs ?? 0))
  const verdicts = await Promise.all(after.map((name) => judge(deps.dependencyRuns, name, namedAt)))
  const of = (kind: DependencyVerdict['kind']) => verdicts.find((one) => one.kind === kind)
  return of('failed') ?? of('waiting') ?? { kind: 'succeeded' }
}

async function judge(
  runs: DependencyRuns,
  job: string,
  namedAt: Instant,
): Promise<DependencyVerdict> {
  const schedule = await runs.readSchedule(job)
  if (schedule === null) {
    return { kind: 'waiting', reason: `the server has no schedule ${job}: apply schedules` }
  }
  const { spec, spreadMs, isPaused, createdAt } = schedule
  const firedAt = lastFire(spec, addMs(namedAt, spreadMs))
  // Nothing was expected of it then.
  if (firedAt === null || firedAt < createdAt) return { kind: 'succeeded' }
  const what = `${job} of ${firedAt}`
  const run = await runs.readRun(job, firedAt)
  if (run === null) {
    return { kind: 'waiting', reason: `${what} has no run${isPaused ? ': it is paused' : ''}` }
  }
  switch (run.status) {
    case 'success':
      return { kind: 'succeeded' }
    case 'running':
    case 'continued':
      return { kind: 'waiting', reason: `${what} is still open` }
    case 'failed':
    case 'timeout':
    case 'cancelled':
    case 'terminated': {
      if (await isMadeUpFor(runs, job, run.closedAt)) return { kind: 'succeeded' }
      const why = run.reason === null ? '' : `: ${run.reason}`
      return { kind: 'failed', reason: `${what} ended as ${run.status}${why}` }
    }
  }
}

/** A job whose next success covers a failure has done its part with a redrive, too. */
async function isMadeUpFor(
  runs: DependencyRuns,
  job: string,
  closedAt: Instant | null,
): Promise<boolean> {
  if (closedAt === null || findJob(job)?.onExhausted !== 'fail') return false
  return runs.hasSucceededSince(job, closedAt)
}
