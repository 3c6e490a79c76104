/** Jobs that come after others, on a real server: `weekly-trends` after `daily-analytics`. */
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createDependenciesActivities } from '../../activities/dependencies.ts'
import { addMs, instantFromMs, SECOND_MS, type Instant } from '../../domain/time.ts'
import { findJob, type AnyJob } from '../../jobs/registry.ts'
import { judgeDependencies } from '../../operations/judge-dependencies.ts'
import { createDependencyRuns } from '../../platform/temporal/dependency-runs.ts'
import { createRunSource } from '../../platform/temporal/run-source.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import {
  fakeFigureReport,
  fakeMeasuring,
  fireScheduled,
  measured,
} from '../support/analytics-histories.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type Activities, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const EARLIER = 'daily-analytics'
const LATER = 'weekly-trends'

let rig: TemporalRig
let jobs: AnyJob[]
let firstAt: Instant

/** A fire of every second could be the one; paused, so that only those of the tests have runs. */
beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  const job = findJob(EARLIER)
  if (job === undefined) throw new Error(`${EARLIER} is not in the registry`)
  const rules = { overlap: 'beside', catchUpMs: 60_000, input: {} } as const
  jobs = [{ ...job, schedule: { kind: 'interval', everyMs: SECOND_MS, pace: 'wall', ...rules } }]
  await applySchedules(rig, { speed: 1, jobs })
  await rig.client.schedule.getHandle(EARLIER).pause('the test fires it')
  await testBundle()
  firstAt = instantFromMs(Math.ceil(Date.now() / SECOND_MS) * SECOND_MS)
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

function withJobs<T>(measureDays: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  const activities: Activities = {
    ...fakeMeasuring(EARLIER, { measureDays }),
    ...fakeFigureReport(LATER),
    ...createDependenciesActivities({ dependencyRuns: createDependencyRuns(rig.client, jobs) }),
  }
  return rig.withWorker('reports', activities, work)
}

async function stateOf(workflowId: string): Promise<string | null | undefined> {
  const { runId } = await rig.client.workflow.getHandle(workflowId).describe()
  return (await createRunSource(rig.client).find({ workflowId, runId }))?.state
}

async function failureOf(workflowId: string): Promise<{ type: unknown; message: string }> {
  const error: unknown = await rig.client.workflow
    .getHandle(workflowId)
    .result()
    .catch((failure: unknown) => failure)
  const cause = error instanceof WorkflowFailedError ? error.cause : undefined
  if (!(cause instanceof ApplicationFailure)) throw new Error('the run did not fail')
  return { type: cause.type, message: cause.message }
}

test('a scheduled run waits for the open run of its nominal time, shows that it does, and then runs', async () => {
  let release: (value: unknown) => void = () => undefined
  const gate = new Promise((resolve) => {
    release = resolve
  })
  await withJobs(
    async () => {
      await gate
      return measured()
    },
    async () => {
      const earlier = await fireScheduled(rig, EARLIER, firstAt)
      const later = await fireScheduled(rig, LATER, firstAt)
      await expect.poll(() => stateOf(later), { timeout: 10_000 }).toBe('waiting')
      release(null)
      const handle = rig.client.workflow.getHandle(later)
      expect(await handle.result()).toMatchObject({ computed: 3 })
      const [before, after] = await Promise.all([
        rig.client.workflow.getHandle(earlier).describe(),
        handle.fetchHistory(),
      ])
      const began = after.events?.find(
        (event) =>
          event.activityTaskScheduledEventAttributes?.activityType?.name === 'measureWeeks',
      )
      const beganMs = Number(began?.eventTime?.seconds) * 1_000 + 1_000
      expect(beganMs).toBeGreaterThan(before.closeTime?.getTime() ?? Infinity)
      expect(await stateOf(later)).toBeNull()
    },
  )
})

test('a failed dependency fails the run for good, with its reason; a success later makes up for it', async () => {
  const nominalAt = addMs(firstAt, SECOND_MS)
  let isBroken = true
  const measureDays = async () => {
    if (isBroken) throw ApplicationFailure.nonRetryable('no such column', 'DatabaseRefused')
    return measured()
  }
  await withJobs(measureDays, async () => {
    const earlier = await fireScheduled(rig, EARLIER, nominalAt)
    await failureOf(earlier)
    const later = await fireScheduled(rig, LATER, nominalAt)
    const failure = await failureOf(later)
    expect(failure.type).toBe('DependencyFailed')
    expect(failure.message).toContain(`${EARLIER} of ${nominalAt} ended as failed`)
    expect(failure.message).toContain('DatabaseRefused: no such column')
    const { runId } = await rig.client.workflow.getHandle(later).describe()
    const end = await createRunSource(rig.client).readEnd({ workflowId: later, runId })
    expect(end).toMatchObject({ type: 'DependencyFailed', isDead: true })
    isBroken = false
    const made = await startJob(rig, { job: EARLIER, input: {}, trigger: 'redrive' })
    await rig.client.workflow.getHandle(made.workflowId).result()
    const runs = createDependencyRuns(rig.client, jobs)
    const { closeTime } = await rig.client.workflow.getHandle(earlier).describe()
    const since = instantFromMs(closeTime?.getTime() ?? 0)
    await expect.poll(() => runs.hasSucceededSince(EARLIER, since)).toBe(true)
    const verdict = await judgeDependencies(
      { dependencyRuns: runs },
      { job: LATER, after: [EARLIER], nominalAt },
    )
    expect(verdict).toEqual({ kind: 'succeeded' })
  })
})

test('a run that a person starts does not wait', async () => {
  await withJobs(
    async () => measured(),
    async () => {
      const { workflowId } = await startJob(rig, { job: LATER, input: {}, trigger: 'cli' })
      expect(await rig.client.workflow.getHandle(workflowId).result()).toMatchObject({
        computed: 3,
      })
      const { events } = await rig.client.workflow.getHandle(workflowId).fetchHistory()
      const steps = events?.map(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name,
      )
      expect(steps).not.toContain('checkDependencies')
    },
  )
})
