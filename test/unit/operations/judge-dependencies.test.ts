/** Which run of another job is of the same nominal time, and what its state means for the one after it. */
import { describe, expect, it } from 'vitest'

import type {
  DependencyRun,
  DependencyRuns,
  DependencySchedule,
} from '../../../domain/ports/dependency-runs.ts'
import { HOUR_MS, MINUTE_MS, parseInstant, type Instant } from '../../../domain/time.ts'
import { judgeDependencies } from '../../../operations/judge-dependencies.ts'

const at = parseInstant
const DAILY = { calendars: [{ hour: 0 }], timezone: 'UTC', dst: 'shift' } as const

function schedule(change: Partial<DependencySchedule> = {}): DependencySchedule {
  const createdAt = at('2026-01-01T00:00:00Z')
  return {
    spec: { everyMs: null, wall: DAILY },
    spreadMs: 0,
    isPaused: false,
    createdAt,
    ...change,
  }
}

function run(status: DependencyRun['status'], reason: string | null = null): DependencyRun {
  return { status, closedAt: status === 'running' ? null : at('2026-03-01T00:09:00Z'), reason }
}

type World = {
  readonly schedules: Readonly<Record<string, DependencySchedule>>
  readonly runs?: Readonly<Record<string, DependencyRun>>
  readonly hasSucceededSince?: boolean
}

/** Runs by `job nominal`. */
function world({ schedules, runs = {}, hasSucceededSince = false }: World): {
  readonly dependencyRuns: DependencyRuns
} {
  return {
    dependencyRuns: {
      readSchedule: async (job) => schedules[job] ?? null,
      readRun: async (job, nominalAt) => runs[`${job} ${nominalAt}`] ?? null,
      hasSucceededSince: async () => hasSucceededSince,
    },
  }
}

const OF_MIDNIGHT = 'daily-analytics 2026-03-01T00:00:00.000Z'

function judge(deps: ReturnType<typeof world>, nominalAt: Instant = at('2026-03-01T01:00:00Z')) {
  return judgeDependencies(deps, { job: 'weekly-trends', after: ['daily-analytics'], nominalAt })
}

const succeeded = { kind: 'succeeded' }

describe('the same nominal time', () => {
  const runs = { [OF_MIDNIGHT]: run('success') }

  it('is the last one of the other job that is not after its own', async () => {
    const deps = world({ schedules: { 'daily-analytics': schedule() }, runs })
    expect(await judge(deps)).toEqual(succeeded)
    expect(await judge(deps, at('2026-03-01T00:00:00Z'))).toEqual(succeeded)
    expect(await judge(deps, at('2026-03-01T23:59:59Z'))).toEqual(succeeded)
    expect(await judge(deps, at('2026-03-02T00:00:00Z'))).toMatchObject({ kind: 'waiting' })
  })

  it('is told without offsets: a job spread to later than the one after it is still before it', async () => {
    const spec = { everyMs: HOUR_MS, offsetMs: 9 * MINUTE_MS, wall: null }
    const schedules = {
      'daily-analytics': schedule({ spec, spreadMs: 9 * MINUTE_MS }),
      'weekly-trends': schedule({ spreadMs: 2 * MINUTE_MS }),
    }
    const late = { 'daily-analytics 2026-03-01T01:09:00.000Z': run('running') }
    const deps = world({ schedules, runs: late })
    const reason = 'daily-analytics of 2026-03-01T01:09:00.000Z is still open'
    expect(await judge(deps, at('2026-03-01T01:02:00Z'))).toEqual({ kind: 'waiting', reason })
  })

  it('of a schedule made after it asks for nothing, of one made before it asks for a run', async () => {
    const made = (createdAt: string) =>
      world({ schedules: { 'daily-analytics': schedule({ createdAt: at(createdAt) }) } })
    expect(await judge(made('2026-03-01T00:00:01Z'))).toEqual(succeeded)
    expect(await judge(made('2026-03-01T00:00:00Z'))).toMatchObject({ kind: 'waiting' })
  })
})

describe('a run of the same nominal time', () => {
  const schedules = { 'daily-analytics': schedule() }
  const of = (found: DependencyRun) => world({ schedules, runs: { [OF_MIDNIGHT]: found } })

  it.each(['running', 'continued'] as const)('that is %s is waited for', async (status) => {
    expect(await judge(of(run(status)))).toMatchObject({ kind: 'waiting' })
  })

  it.each(['failed', 'timeout', 'cancelled', 'terminated'] as const)(
    'that ended as %s fails, with its reason',
    async (status) => {
      const why = 'DatabaseRefused: no such column'
      const reason = `daily-analytics of 2026-03-01T00:00:00.000Z ended as ${status}: ${why}`
      expect(await judge(of(run(status, why)))).toEqual({ kind: 'failed', reason })
    },
  )

  it('that failed has succeeded once a later one made up for it', async () => {
    const runs = { [OF_MIDNIGHT]: run('failed') }
    expect(await judge(world({ schedules, runs, hasSucceededSince: true }))).toEqual(succeeded)
  })

  it('that does not exist is waited for, and a pause is named', async () => {
    const paused = { 'daily-analytics': schedule({ isPaused: true }) }
    const reason = 'daily-analytics of 2026-03-01T00:00:00.000Z has no run: it is paused'
    expect(await judge(world({ schedules: paused }))).toEqual({ kind: 'waiting', reason })
  })
})

it('a schedule that the server does not have is waited for', async () => {
  expect(await judge(world({ schedules: {} }))).toMatchObject({ kind: 'waiting' })
})

it('of several jobs a failure is told before what is waited for', async () => {
  const schedules = { 'daily-analytics': schedule(), 'hourly-metrics': schedule() }
  const runs = {
    [OF_MIDNIGHT]: run('running'),
    'hourly-metrics 2026-03-01T00:00:00.000Z': run('failed'),
  }
  const after = ['daily-analytics', 'hourly-metrics']
  const nominalAt = at('2026-03-01T01:00:00Z')
  const verdict = await judgeDependencies(world({ schedules, runs }), {
    ...{ job: 'weekly-trends', after, nominalAt },
  })
  expect(verdict).toMatchObject({ kind: 'failed' })
})
