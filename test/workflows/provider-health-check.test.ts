/** The health check's run: its result, its retry, its failure, its end. Activities are fakes. */
import { setTimeout as delay } from 'node:timers/promises'

import { Context } from '@temporalio/activity'
import { TimeoutFailure, WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { ProviderHealthCheckActivities } from '../../activities/provider-health-check.ts'
import { providerHealthCheckResult } from '../../jobs/provider-health-check.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { checkedProviders, fakeProviderHealthCheck } from '../support/fake-activities.ts'
import { failingOnce } from '../support/history-cases.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function check(
  change: Partial<ProviderHealthCheckActivities>,
  operate?: (workflowId: string) => Promise<void>,
): Promise<unknown> {
  return rig.withWorker('monitoring', fakeProviderHealthCheck(change), async () => {
    const { workflowId } = await startJob(rig, {
      job: 'PROVIDER_HEALTH_CHECK',
      input: {},
      trigger: 'cli',
    })
    await operate?.(workflowId)
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

/** The cause at the bottom of a failed run. */
async function causeOf(run: Promise<unknown>): Promise<unknown> {
  const error: unknown = await run.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(WorkflowFailedError)
  const { cause } = error as WorkflowFailedError // asserted above
  const inner: unknown = cause instanceof Error ? cause.cause : undefined
  return inner ?? cause
}

test('returns the providers by state', async () => {
  const result = await check({ checkProviders: async () => checkedProviders(1) })
  expect(result).toMatchObject({ up: 1, down: 1, changes: 1 })
  expect(providerHealthCheckResult.safeParse(result).success).toBe(true)
})

test('tries a step again that failed for a moment', async () => {
  expect(await check({ checkProviders: failingOnce(checkedProviders(0)) })).toMatchObject({ up: 2 })
})

test('fails at once on what no repeat helps: the next minute checks again', async () => {
  let tries = 0
  const refused = async (): Promise<never> => {
    tries += 1
    throw ApplicationFailure.nonRetryable('no such table', 'DatabaseRefused')
  }
  expect(await causeOf(check({ checkProviders: refused }))).toMatchObject({
    cause: { type: 'DatabaseRefused' },
  })
  expect(tries).toBe(1)
})

/** A provider that never answers, until the step is cancelled. */
async function hanging(): Promise<never> {
  const context = Context.current()
  const beats = setInterval(() => context.heartbeat(), 100)
  try {
    return await context.cancelled
  } finally {
    clearInterval(beats)
  }
}

test('ends when it is cancelled', async () => {
  const cancelled = check({ checkProviders: hanging }, async (workflowId) => {
    await rig.client.workflow.getHandle(workflowId).cancel()
  })
  const error: unknown = await cancelled.catch((thrown: unknown) => thrown)
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure)
})

test('fails within half a minute when a step does not end', async () => {
  const startedAtMs = performance.now()
  // Longer than a step may go without a heartbeat; a worker stops only after its steps.
  const silent = async () => {
    await delay(7_000)
    return checkedProviders(0)
  }
  expect(await causeOf(check({ checkProviders: silent }))).toBeInstanceOf(TimeoutFailure)
  expect(performance.now() - startedAtMs).toBeLessThan(30_000)
})
