/** What holds of both cleanups of requests of persons: step by step, dry runs, inputs, schedules, one long step. */
import { expect, test } from 'vitest'

import { findJob } from '../../jobs/registry.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { noteCalls, type Calls } from './fake-activities.ts'
import { inTurn } from './history-cases.ts'
import { PRIVACY_PLAN } from './privacy-histories.ts'
import { runOnce, testRunRules } from './run-rules.ts'
import type { Activities, TemporalRig } from './temporal-rig.ts'

/** A cleanup, the names of its steps in their order, and when it is due. */
export type RuledCleanup = {
  readonly job: string
  readonly activities: (change: Activities) => Activities
  readonly steps: { readonly plan: string; readonly remove: string; readonly count: string }
  /** Steps after the last removal. */
  readonly after: readonly string[]
  /** What its result has beside what went. */
  readonly beside: Readonly<Record<string, unknown>>
  readonly calendar: Readonly<Record<string, number>>
}

/** Registers the tests of a cleanup. */
export function testPrivacyCleanup(rig: () => TemporalRig, ruled: RuledCleanup): void {
  const { job, activities, steps, after, beside, calendar } = ruled
  const found = findJob(job)
  if (found === undefined) throw new Error(`${job} is not in the registry`)

  test('goes on step by step until nothing is left', async () => {
    const calls: Calls = []
    const remove = inTurn(
      { items: 20_000, bytes: 2_000_000, isComplete: false },
      { items: 7, bytes: 700, isComplete: true },
    )
    const fakes = noteCalls(calls, activities({ [steps.remove]: remove }))
    expect(found.result.parse(await runOnce(rig(), { job, input: {} }, fakes))).toEqual({
      isDryRun: false,
      before: PRIVACY_PLAN.before,
      items: 20_007,
      bytes: 2_000_700,
      isComplete: true,
      ...beside,
    })
    const names = calls.map(({ name }) => name)
    expect(names).toEqual([steps.plan, steps.remove, steps.remove, ...after])
  })

  test('a dry run counts, and does nothing else', async () => {
    const calls: Calls = []
    const fakes = noteCalls(calls, activities({}))
    const result = await runOnce(rig(), { job, input: { isDryRun: true } }, fakes)
    expect(result).toMatchObject({ isDryRun: true, items: 10 })
    expect(calls.map(({ name }) => name)).toEqual([steps.plan, steps.count])
  })

  test('refuses an input that it does not know', async () => {
    const input = { olderThanDays: 1 }
    await expect(startJob(rig(), { job, input, trigger: 'cli' })).rejects.toThrow()
  })

  test('the schedule is in UTC, three tries, within 600 s', () => {
    expect(desiredSchedule(found, { speed: 1 })?.fields).toMatchObject({
      overlap: 'SKIP',
      runTimeoutMs: 600_000,
      attempts: 3,
      taskQueue: 'maintenance',
    })
    expect(found.schedule).toMatchObject({ calendars: [calendar], timezone: 'UTC' })
  })

  testRunRules(rig, {
    job,
    input: {},
    activities,
    step: steps.remove,
    answer: { items: 7, bytes: 700, isComplete: true },
  })
}
