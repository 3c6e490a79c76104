/** Places over a test's database and server, and runs of reports that know how many are at work. */
import { setTimeout as delay } from 'node:timers/promises'

import { expect, vi } from 'vitest'

import type { JobPriority } from '../../jobs/define-job.ts'
import { DEFAULT_TERMS } from '../../jobs/job-environments.ts'
import { findJobOfWorkflow } from '../../jobs/registry.ts'
import { createJobPlaces } from '../../db/stores/job-place-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { JOBS_LIMITS } from '../../domain/job-limits.ts'
import { scheduledRunOptions } from '../../platform/temporal/job-starter.ts'
import { createTestDatabase } from './database.ts'
import { placeActivities } from './place-activities.ts'
import { services } from './services.ts'
import { createTemporalRig, type Activities, type TemporalRig } from './temporal-rig.ts'

const QUEUE = 'reports'
const PATIENCE = { timeout: 20_000, interval: 30 }

/** A namespace and a database of its own. */
export type PlaceDesk = AsyncDisposable & {
  readonly rig: TemporalRig
  readonly databaseUrl: string
  /** Two workers serve the queue until the desk is closed. */
  serve(activities: Activities): void
  limit(limits: Readonly<Record<string, number | null>>): Promise<void>
  start(period: string, priority?: JobPriority): Promise<string>
  terminate(workflowId: string): Promise<void>
  untilEnded(workflowIds: readonly string[]): Promise<void>
  untilWaiting(count: number): Promise<void>
  untilState(workflowId: string, state: string | undefined): Promise<void>
  placesOf(kind: 'held' | 'waiting'): Promise<string[]>
}

/** Opens a desk. */
export async function openPlaceDesk(): Promise<PlaceDesk> {
  const database = await createTestDatabase()
  const rig = await createTemporalRig(services().temporalAddress)
  // A connection of its own: one has one worker of a queue.
  const second = await createTemporalRig(services().temporalAddress, rig.namespace)
  const { db, url: databaseUrl } = database
  const closing = Promise.withResolvers<void>()
  let served = Promise.resolve()
  const handle = (id: string) => rig.client.workflow.getHandle(id)
  const placesOf = async (kind: 'held' | 'waiting'): Promise<string[]> => {
    const all = await createJobPlaces(db).list()
    const wanted = all.filter(({ grantedAt }) => (grantedAt !== null) === (kind === 'held'))
    return wanted.map(({ workflowId }) => workflowId)
  }
  return {
    rig,
    databaseUrl,
    placesOf,
    serve(runs) {
      const activities = { ...runs, ...placeActivities(db, rig.client) }
      served = rig.withWorker(QUEUE, activities, () =>
        second.withWorker(QUEUE, activities, () => closing.promise),
      )
    },
    limit: (limits) => createSettingStore(db).write(JOBS_LIMITS, { report: limits }, 'test'),
    async start(period, priority = 'LOW') {
      const input = { what: ['usage'], period }
      const workflowId = `report:${period}`
      // As a schedule starts them: places are another matter than turns.
      const report = findJobOfWorkflow('report')
      if (report === undefined) throw new Error('there is no report')
      const options = scheduledRunOptions(report, { priority, terms: DEFAULT_TERMS })
      await rig.client.workflow.start('report', { ...options, workflowId, args: [input] })
      return workflowId
    },
    async terminate(workflowId) {
      await handle(workflowId).terminate('drill')
    },
    async untilEnded(ids) {
      await Promise.all(ids.map((id) => handle(id).result()))
    },
    async untilWaiting(count) {
      await vi.waitFor(async () => expect(await placesOf('waiting')).toHaveLength(count), PATIENCE)
    },
    async untilState(id, state) {
      await vi.waitFor(async () => {
        const { searchAttributes } = await handle(id).describe()
        expect(searchAttributes['JobState']?.[0]).toBe(state)
      }, PATIENCE)
    },
    async [Symbol.asyncDispose]() {
      closing.resolve()
      await served
      await rig[Symbol.asyncDispose]()
      await second[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** Runs of `report`, each of one month, from their first step to their last. */
export class WorkingRuns {
  readonly #open = new Set<string>()
  readonly #held = Promise.withResolvers<void>()
  #isHolding = false
  /** In the order in which they began. */
  readonly begun: { readonly period: string; readonly atMs: number }[] = []
  most = 0

  /** Runs that begin stay at work until `letGo`. */
  holdAll(): void {
    this.#isHolding = true
  }

  letGo(): void {
    this.#held.resolve()
  }

  periods(): string[] {
    return this.begun.map(({ period }) => period)
  }

  async untilBegun(count: number): Promise<void> {
    await vi.waitFor(() => expect(this.begun).toHaveLength(count), PATIENCE)
  }

  async plan({ period }: { period: string }) {
    this.#open.add(period)
    this.begun.push({ period, atMs: Date.now() })
    this.most = Math.max(this.most, this.#open.size)
    if (this.#isHolding) await this.#held.promise
    return { period, settlesInMs: null }
  }

  async write({ report, period }: { report: string; period: string }) {
    await delay(20)
    this.#open.delete(period)
    return { report, period, files: 3, bytes: 12_000, rows: 40, isChanged: true }
  }
}

/** `count` months, each a run of its own. */
export function months(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    return `${2010 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, '0')}`
  })
}
