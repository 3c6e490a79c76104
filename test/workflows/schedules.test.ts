/** Schedules on a real server: the registry is made true, and what operators did by hand is kept. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { expectedFires } from '../../domain/expected-fires.ts'
import { spreadOf } from '../../domain/spread.ts'
import { addMs, instantFromMs } from '../../domain/time.ts'
import { DEFAULT_TERMS } from '../../jobs/job-environments.ts'
import { allJobs, findJob, type AnyJob } from '../../jobs/registry.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { planSchedules, type SchedulePlanEntry } from '../../platform/temporal/schedules-plan.ts'
import { createWatchedSchedules } from '../../platform/temporal/watched-schedules.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

beforeEach(async () => {
  await applySchedules(rig, { speed: 1, jobs: [] })
})

const ID = 'flight-monitor'

function monitor(change: Partial<AnyJob> = {}): AnyJob {
  const job = findJob(ID)
  if (job === undefined) throw new Error(`${ID} is not in the registry`)
  return { ...job, ...change }
}

function daily(timezone: string): AnyJob {
  const schedule: AnyJob['schedule'] = {
    kind: 'calendar',
    calendars: [
      { hour: 4, minute: 30 },
      { hour: { start: 6, end: 8 }, dayOfWeek: { start: 1, end: 5 } },
    ],
    timezone,
    overlap: 'queue-one',
    catchUpMs: 600_000,
    jitterMs: 60_000,
    input: {},
  }
  return monitor({ schedule })
}

function handle() {
  return rig.client.schedule.getHandle(ID)
}

async function actions(jobs: readonly AnyJob[], speed = 1): Promise<Record<string, string>> {
  const plan = await planSchedules(rig, { speed, jobs })
  return Object.fromEntries(plan.map((entry) => [entry.scheduleId, entry.action]))
}

describe('apply', () => {
  test('makes every schedule of the registry, readable by people', async () => {
    const scheduled = allJobs().filter((job) => job.schedule !== undefined)
    const toBeMade = Object.fromEntries(scheduled.map((job) => [job.name, 'create']))
    expect(await actions(allJobs())).toEqual(toBeMade)
    await applySchedules(rig, { speed: 1 })
    const description = await handle().describe()
    expect(description.spec.intervals).toMatchObject([{ every: 120_000 }])
    expect(description.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 60_000 })
    expect(description.action).toMatchObject({ workflowType: 'flightMonitor', args: [{}] })
    expect(description.memo).toMatchObject({ managedBy: 'groundstop', owner: 'operations' })
    expect(description.raw.schedule?.action?.startWorkflow?.priority?.priorityKey).toBe(2)
  })

  test('changes nothing the second time', async () => {
    await applySchedules(rig, { speed: 1, jobs: [monitor()] })
    const before = (await handle().describe()).raw.info?.updateTime
    expect(await applySchedules(rig, { speed: 1, jobs: [monitor()] })).toMatchObject([
      { action: 'unchanged' },
    ])
    expect((await handle().describe()).raw.info?.updateTime).toEqual(before)
  })

  test('tells of each change before it is made, and of none when there is none', async () => {
    const told: string[] = []
    const record = async ({ scheduleId, action }: SchedulePlanEntry) => {
      const isThere = await handle()
        .describe()
        .then(
          () => true,
          () => false,
        )
      told.push(`${action} ${scheduleId}, ${isThere ? 'there' : 'not there'}`)
    }
    const { client } = rig
    await applySchedules({ client, record }, { speed: 1, jobs: [monitor()] })
    await applySchedules({ client, record }, { speed: 1, jobs: [monitor()] })
    await applySchedules({ client, record }, { speed: 1, jobs: [monitor({ summary: 'another' })] })
    expect(told).toEqual([`create ${ID}, not there`, `update ${ID}, there`])
  })

  test('reads times around a change of clocks back as they were written', async () => {
    const { schedule } = daily('Europe/Berlin')
    if (schedule?.kind !== 'calendar') throw new Error('daily is a calendar')
    const calendars = [{ hour: 2, minute: 30 }, ...schedule.calendars]
    const nightly = monitor({ schedule: { ...schedule, calendars, dst: 'last' } })
    await applySchedules(rig, { speed: 1, jobs: [nightly] })
    const [entry] = await planSchedules(rig, { speed: 1, jobs: [nightly] })
    expect(entry).toMatchObject({ action: 'unchanged', differences: [] })
    const changed = monitor({ schedule: { ...schedule, calendars, dst: 'skip' } })
    const plan = await planSchedules(rig, { speed: 1, jobs: [changed] })
    expect(plan[0]?.differences.map(({ field }) => field)).toContain('instants')
  })

  test('reads calendars back as they were written', async () => {
    await applySchedules(rig, { speed: 1, jobs: [daily('America/New_York')] })
    expect(await actions([daily('America/New_York')])).toEqual({ [ID]: 'unchanged' })
    expect(await actions([daily('UTC')])).toEqual({ [ID]: 'update' })
  })

  test.each([1, 60])(
    'fires spread schedules when the dead-man’s switch expects it, at speed %i',
    async (speed) => {
      const spread = spreadOf(ID, 600_000)
      const rules = { overlap: 'skip', catchUpMs: 60_000, input: {}, spread } as const
      const schedules: AnyJob['schedule'][] = [
        { kind: 'interval', everyMs: 3_600_000, ...rules },
        {
          ...{ kind: 'calendar', calendars: [{ hour: 2, minute: 7, second: 13 }], ...rules },
          timezone: 'America/New_York',
        },
      ]
      for (const schedule of schedules) {
        const jobs = [monitor({ ...(schedule === undefined ? {} : { schedule }) })]
        await applySchedules(rig, { speed, jobs })
        expect(await planSchedules(rig, { speed, jobs })).toMatchObject([
          { action: 'unchanged', spread },
        ])
        const [watched] = await createWatchedSchedules(rig.client, DEFAULT_TERMS, jobs).read([ID])
        const nextTimes = (await handle().describe()).info.nextActionTimes.map((time) =>
          instantFromMs(time.getTime()),
        )
        expect(nextTimes.length).toBeGreaterThan(5)
        const [first, last] = [nextTimes[0], nextTimes.at(-1)]
        if (!watched || !first || !last) throw new Error('it is not watched')
        const window = { after: addMs(first, -1), until: last }
        expect(expectedFires(watched.spec, window, 100)).toEqual(nextTimes)
      }
    },
  )

  test('makes one schedule when several apply at once', async () => {
    const all = Array.from({ length: 4 }, () =>
      applySchedules(rig, { speed: 1, jobs: [monitor()] }),
    )
    await Promise.all(all)
    expect(await actions([monitor()])).toEqual({ [ID]: 'unchanged' })
  })

  test('deletes a schedule of ours that no job has any more', async () => {
    await applySchedules(rig, { speed: 1, jobs: [monitor()] })
    await expect.poll(() => actions([]), { timeout: 10_000 }).toEqual({ [ID]: 'delete' })
    await applySchedules(rig, { speed: 1, jobs: [] })
    expect(await actions([])).toEqual({})
  })

  test('leaves schedules of others alone', async () => {
    const foreign = await rig.client.schedule.create({
      scheduleId: 'of-somebody-else',
      spec: { intervals: [{ every: '1h' }] },
      action: { type: 'startWorkflow', workflowType: 'x', taskQueue: 'x' },
    })
    await applySchedules(rig, { speed: 1, jobs: [] })
    expect((await foreign.describe()).scheduleId).toBe('of-somebody-else')
  })

  test('has no schedule for a job that is switched off in this environment', async () => {
    const environments = { ...monitor().environments, production: 'off' } as const
    const plan = await planSchedules(rig, {
      speed: 1,
      jobs: [monitor({ environments })],
      terms: { ...DEFAULT_TERMS, environment: 'production', isEnabled: true, only: null },
    })
    expect(plan).toEqual([])
  })
})

describe('a clock that runs fast', () => {
  test('shortens the interval in proportion', async () => {
    await applySchedules(rig, { speed: 60, jobs: [monitor()] })
    expect((await handle().describe()).spec.intervals).toMatchObject([{ every: 2_000 }])
  })

  test('never goes below one second', async () => {
    await applySchedules(rig, { speed: 100_000, jobs: [monitor()] })
    expect((await handle().describe()).spec.intervals).toMatchObject([{ every: 1_000 }])
  })

  test('leaves alone what is counted in wall time', async () => {
    const projection = findJob('outbox-and-run-projection')
    if (projection === undefined) throw new Error('the projection is not in the registry')
    await applySchedules(rig, { speed: 60, jobs: [projection] })
    const { spec } = await rig.client.schedule.getHandle(projection.name).describe()
    expect(spec.intervals).toMatchObject([{ every: 60_000 }])
  })

  test('leaves the interval alone when it is stopped', async () => {
    await applySchedules(rig, { speed: 0, jobs: [monitor()] })
    expect((await handle().describe()).spec.intervals).toMatchObject([{ every: 120_000 }])
  })
})

describe('what operators did', () => {
  const slower = (): AnyJob => monitor({ summary: 'another summary' })

  test('a pause and its note survive an update', async () => {
    await applySchedules(rig, { speed: 1, jobs: [monitor()] })
    await handle().pause('the provider is down until noon')
    const done = await applySchedules(rig, { speed: 1, jobs: [slower()] })
    expect(done).toMatchObject([
      { action: 'update', paused: { note: 'the provider is down until noon' } },
    ])
    const { state, action } = await handle().describe()
    expect(state).toMatchObject({ paused: true, note: 'the provider is down until noon' })
    expect(action).toMatchObject({ staticSummary: 'another summary' })
  })

  test('a pause made during the update survives it', async () => {
    await applySchedules(rig, { speed: 1, jobs: [monitor()] })
    await Promise.all([
      applySchedules(rig, { speed: 1, jobs: [slower()] }),
      handle().pause('pulled the plug'),
    ])
    expect((await handle().describe()).state).toMatchObject({
      paused: true,
      note: 'pulled the plug',
    })
  })

  test('an edit on the server is shown as drift with both values, and undone', async () => {
    await applySchedules(rig, { speed: 1, jobs: [monitor()] })
    await handle().update((previous) => ({ ...previous, spec: { intervals: [{ every: '1h' }] } }))
    const plan = await planSchedules(rig, { speed: 1, jobs: [monitor()] })
    expect(plan).toMatchObject([
      {
        action: 'drift',
        differences: [{ field: 'everyMs', server: 3_600_000, registry: 120_000 }],
      },
    ])
    await applySchedules(rig, { speed: 1, jobs: [monitor()] })
    expect(await actions([monitor()])).toEqual({ [ID]: 'unchanged' })
  })

  test('a drift is shown with when it was made and the note that was left', async () => {
    await applySchedules(rig, { speed: 1, jobs: [monitor()] })
    await handle().pause('slower until noon, ines')
    await handle().update((previous) => ({ ...previous, spec: { intervals: [{ every: '1h' }] } }))
    const [entry] = await planSchedules(rig, { speed: 1, jobs: [monitor()] })
    const at = (await handle().describe()).info.lastUpdatedAt?.toISOString()
    expect(at).toBeDefined()
    expect(entry?.changed).toEqual({ at, note: 'slower until noon, ines' })
  })

  test('an edit that lost our mark is drift too', async () => {
    await applySchedules(rig, { speed: 1, jobs: [monitor()] })
    await handle().update((previous) => {
      if (previous.action.type !== 'startWorkflow') return previous
      const { memo: _memo, ...action } = previous.action
      return { ...previous, action }
    })
    expect(await actions([monitor()])).toEqual({ [ID]: 'drift' })
  })
})
