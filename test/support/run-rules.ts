/** What holds of every run of one long step after the other: retry, refusal, cancellation, time-out. */
import { randomUUID } from 'node:crypto'

import { CancelledFailure } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { expect, test } from 'vitest'

import { startHeartbeats } from '../../activities/heartbeats.ts'
import { attemptsIn, DEFAULT_TERMS } from '../../jobs/job-environments.ts'
import { findJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { failingOnce } from './history-cases.ts'
import type { Activities, TemporalRig } from './temporal-rig.ts'

/** A job and its step that the rules are tried on. */
export type RuledJob = {
  readonly job: string
  readonly input: Readonly<Record<string, unknown>>
  /** Fakes, some of them changed. */
  readonly activities: (change: Activities) => Activities
  readonly step: string
  /** What the step answers when all goes well. */
  readonly answer: unknown
}

/** Runs one to its end; the result. */
export async function runOnce(
  rig: TemporalRig,
  { job, input }: Pick<RuledJob, 'job' | 'input'>,
  activities: Activities,
): Promise<unknown> {
  return rig.withWorker(queueOf(job), activities, async () => {
    const workflowId = `${job}:${randomUUID()}`
    await startJob(rig, { job, input, trigger: 'cli', workflowId })
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

function causesOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return `${error.message} ${causesOf(error.cause)}`
}

function queueOf(job: string): string {
  const found = findJob(job)
  if (found === undefined) throw new Error(`no job ${job}`)
  return found.queue
}

/** Registers the tests of a job. */
export function testRunRules(rig: () => TemporalRig, ruled: RuledJob): void {
  const { job, input, activities, step, answer } = ruled
  const workflow = findJob(job)?.workflow ?? job

  test('a step that fails for a moment is tried again', async () => {
    const tried = activities({ [step]: failingOnce(answer) })
    await expect(runOnce(rig(), ruled, tried)).resolves.toBeDefined()
  })

  test('a step that is refused for good fails the run at once', async () => {
    let calls = 0
    const refused = async (): Promise<never> => {
      calls += 1
      throw ApplicationFailure.nonRetryable('constraint violated', 'DatabaseRefused')
    }
    const failed = runOnce(rig(), ruled, activities({ [step]: refused }))
    await expect(failed).rejects.toThrow()
    const causes = await failed.catch((error: unknown) => causesOf(error))
    expect(causes).toContain('constraint violated')
    const declared = findJob(job)
    const most = declared === undefined ? 1 : attemptsIn(declared, DEFAULT_TERMS)
    expect(calls).toBeLessThanOrEqual(most)
  })

  test('a cancelled run ends as cancelled, and its step is told', async () => {
    const begun = Promise.withResolvers<void>()
    let wasTold = false
    const waiting = async (): Promise<never> => {
      using heartbeats = startHeartbeats()
      begun.resolve()
      await new Promise((resolve) => heartbeats.signal.addEventListener('abort', resolve))
      wasTold = true
      throw new CancelledFailure('cancelled')
    }
    await rig().withWorker(queueOf(job), activities({ [step]: waiting }), async () => {
      const workflowId = `${job}:${randomUUID()}`
      await startJob(rig(), { job, input, trigger: 'cli', workflowId })
      const handle = rig().client.workflow.getHandle(workflowId)
      await begun.promise
      await handle.cancel()
      await expect(handle.result()).rejects.toThrow()
      expect((await handle.describe()).status.name).toBe('CANCELLED')
      await expect.poll(() => wasTold, { timeout: 10_000 }).toBe(true)
    })
  })

  test('a run that outlasts its time is timed out', async () => {
    const ended = Promise.withResolvers<void>()
    const slow = async (): Promise<unknown> => {
      await ended.promise
      return answer
    }
    await rig().withWorker(queueOf(job), activities({ [step]: slow }), async () => {
      const handle = await rig().client.workflow.start(workflow, {
        args: [input],
        taskQueue: queueOf(job),
        workflowId: `${job}:${randomUUID()}`,
        workflowRunTimeout: '1 second',
      })
      await expect(handle.result()).rejects.toThrow()
      expect((await handle.describe()).status.name).toBe('TIMED_OUT')
      ended.resolve()
    })
  })
}
