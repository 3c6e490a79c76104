/** Cases of `coverage-arming` for `history-cases.ts`. */
import { parseInstant, type Instant } from '../../domain/time.ts'
import { coverageArming } from '../../jobs/coverage-arming.ts'
import { DEFAULT_TERMS } from '../../jobs/job-environments.ts'
import { findJob } from '../../jobs/registry.ts'
import { firedWorkflowId, fireRun } from '../../platform/temporal/watched-schedules.ts'
import { BUSINESS_NOW, fakeCoverageArming } from './fake-activities.ts'
import type { HistoryCase } from './history-cases.ts'
import type { TemporalRig } from './temporal-rig.ts'

const DISARMING = { product: 'FD45', action: 'disarm', by: 'user:ana', reason: 'storm' }

const DUE_AT = parseInstant('2026-03-02T06:00:00Z')

/** Starts a run of `coverage-arming` as the schedule of a task does; gives its workflow id. */
export async function fireArmingTask(
  { client }: Pick<TemporalRig, 'client'>,
  { dueAt = DUE_AT, toleranceMin }: { readonly dueAt?: Instant; readonly toleranceMin: number },
): Promise<string> {
  const job = findJob(coverageArming.name)
  if (job === undefined) throw new Error(`${coverageArming.name} is not in the registry`)
  const taskId = '5f0c6a52-2f0e-4d1c-8a37-6f1f3f0e9c01'
  const scheduleId = `task-${taskId}`
  const memo = { trigger: 'task', taskId, taskRevision: 1, owner: 'user:ana', toleranceMin }
  const fired = { scheduleId, job, input: DISARMING, priority: job.priority, memo }
  await fireRun(client, { ...fired, terms: DEFAULT_TERMS, trigger: 'task' }, dueAt)
  return firedWorkflowId(scheduleId, dueAt)
}

type Shared = { readonly failingOnce: <T>(answer: T) => () => Promise<T> }

/** The runs of `coverage-arming` whose histories are recorded. */
export function armingCases({ failingOnce }: Shared): HistoryCase[] {
  const job = 'coverage-arming'
  return [
    { job, name: 'disarmed', input: DISARMING, activities: () => fakeCoverageArming() },
    {
      job,
      name: 'missed',
      input: { ...DISARMING, dueAt: '2026-03-02T06:00:00Z', toleranceMin: 10 },
      activities: () =>
        fakeCoverageArming({ switchCover: async () => ({ outcome: 'missed', at: BUSINESS_NOW }) }),
    },
    {
      job,
      name: 'task-missed',
      input: DISARMING,
      start: (rig) => fireArmingTask(rig, { toleranceMin: 10 }),
      isFailing: true,
      activities: () =>
        fakeCoverageArming({ switchCover: async () => ({ outcome: 'missed', at: BUSINESS_NOW }) }),
    },
    {
      job,
      name: 'task-carried-out',
      input: DISARMING,
      start: (rig) => fireArmingTask(rig, { toleranceMin: 10 }),
      activities: () => fakeCoverageArming(),
    },
    {
      job,
      name: 'step-retried',
      input: DISARMING,
      activities: () => {
        const switchCover = failingOnce({ outcome: 'unchanged', at: BUSINESS_NOW } as const)
        return fakeCoverageArming({ switchCover })
      },
    },
  ]
}
