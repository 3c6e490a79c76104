/** A namespace of its own on the run's Temporal server, and workers with the activities of a test. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import { Client, Connection } from '@temporalio/client'
import { NativeConnection, Worker, type ActivityInterceptorsFactory } from '@temporalio/worker'

import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import type { WorkflowBundle } from '../../workers/bundle.ts'
import { payloadConverter } from '../../platform/temporal/payload-codec.ts'
import { ensureSearchAttributes } from '../../platform/temporal/search-attributes.ts'
import { fakeJobPlaces } from './fake-activities.ts'
import './quiet-runtime.ts'
import { testBundle } from './workflow-bundle.ts'

/** Activities of any family, by name. */
export type Activities = Record<string, (...args: never[]) => Promise<unknown>>

/** One test file's share of the server. */
export type TemporalRig = AsyncDisposable & {
  readonly client: Client
  readonly namespace: string
  /** Runs `work` while a worker serves the queue `taskQueue` with these activities. */
  withWorker<T>(
    taskQueue: string,
    activities: Activities,
    work: () => Promise<T>,
    options?: {
      readonly activitiesAtOnce?: number
      readonly tasksAtOnce?: number
      readonly activityInterceptors?: ActivityInterceptorsFactory[]
      /** Default: that of the present sources. */
      readonly workflowBundle?: WorkflowBundle
    },
  ): Promise<T>
}

/**
 * A fresh namespace with our search attributes, or one that is there already. `keys`: what payloads
 * are encrypted with, by default not at all.
 */
export async function createTemporalRig(
  temporalAddress: string,
  existing?: string,
  keys: KeyRingSource | null = null,
): Promise<TemporalRig> {
  const connection = await Connection.connect({ address: temporalAddress })
  const native = await NativeConnection.connect({ address: temporalAddress })
  const namespace = existing ?? `test-${randomUUID()}`
  if (existing === undefined) {
    await connection.workflowService.registerNamespace({
      namespace,
      // The generated type wants a Long; the encoder takes any number.
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    })
  }
  const dataConverter = payloadConverter(keys)
  const client = new Client({ connection, namespace, dataConverter })
  await untilUsable(client)
  return {
    client,
    namespace,
    async withWorker(
      taskQueue,
      activities,
      work,
      { activitiesAtOnce = 100, tasksAtOnce = 40, activityInterceptors = [], workflowBundle } = {},
    ) {
      const worker = await Worker.create({
        connection: native,
        namespace,
        taskQueue,
        // Runs of jobs with limits have their places at once, unless the test says otherwise.
        activities: { ...fakeJobPlaces(), ...activities },
        workflowBundle:
          workflowBundle ?? (await testBundle({ failures: keys === null ? 'plain' : 'encoded' })),
        dataConverter,
        interceptors: { activity: activityInterceptors },
        maxConcurrentActivityTaskExecutions: activitiesAtOnce,
        maxConcurrentWorkflowTaskExecutions: tasksAtOnce,
        // Cancellation and heartbeats must reach activities within a test's patience.
        maxHeartbeatThrottleInterval: '200ms',
        shutdownGraceTime: '1s',
      })
      return worker.runUntil(work)
    },
    async [Symbol.asyncDispose]() {
      await native.close()
      await connection.close()
    },
  }
}

/** A new namespace is known to every part of the server only after a moment. */
async function untilUsable(client: Client): Promise<void> {
  for (let i = 0; ; i += 1) {
    try {
      await ensureSearchAttributes(client)
      await client.workflow.count()
      return
    } catch (error) {
      if (i >= 100) throw error
      await delay(100)
    }
  }
}
