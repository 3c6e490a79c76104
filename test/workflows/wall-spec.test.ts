/** What the server makes of a schedule in wall time, over the changes of clocks. */
import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'

import { DAY_MS } from '../../domain/time.ts'
import {
  clockChanges,
  DST_RULES,
  wallFires,
  type WallCalendar,
  type WallSchedule,
} from '../../domain/wall-schedule.ts'
import { DstRuleError, wallSpec } from '../../platform/temporal/wall-spec.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

/** The server plans from now on only: a year that has not begun. */
const YEAR = new Date().getUTCFullYear() + 1

/** What the server would do from one moment until another, epoch milliseconds. */
async function serverFires(
  schedule: WallSchedule,
  ranges: readonly { readonly fromMs: number; readonly untilMs: number }[],
): Promise<number[][]> {
  const scheduleId = `wall-${randomUUID()}`
  const { client, namespace } = rig
  await client.schedule.create({
    scheduleId,
    spec: wallSpec(schedule, YEAR),
    action: { type: 'startWorkflow', workflowType: 'none', taskQueue: 'none' },
    policies: { catchupWindow: '10s' },
    state: { paused: true, note: 'only asked when it would fire' },
  })
  try {
    return await Promise.all(
      ranges.map(async ({ fromMs, untilMs }) => {
        const { startTime } = await client.workflowService.listScheduleMatchingTimes({
          namespace,
          scheduleId,
          // The generated type wants a Long; the encoder takes any number. The start is exclusive.
          startTime: { seconds: (fromMs / 1_000 - 1) as never },
          endTime: { seconds: (untilMs / 1_000 - 1) as never },
        })
        return (startTime ?? []).map(({ seconds }) => Number(seconds) * 1_000)
      }),
    )
  } finally {
    await client.schedule.getHandle(scheduleId).delete()
  }
}

const ZONES = [
  'America/New_York',
  'Europe/Berlin',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
]

const TIMES: readonly WallCalendar[] = [
  { hour: 0 },
  { hour: 1, minute: 30 },
  { hour: 2, minute: 30 },
  { hour: { start: 0, end: 4 }, minute: 15 },
  // Some changes fall into these months, and some do not.
  { hour: 2, minute: 30, month: { start: 3, end: 9 } },
]

describe.each(ZONES)('in %s the server fires as the rule says', (timezone) => {
  test.concurrent.each(DST_RULES)('%s', async (dst) => {
    const changes = clockChanges(timezone, Date.UTC(YEAR, 0, 1), Date.UTC(YEAR + 2, 0, 1))
    expect(changes.length).toBeGreaterThan(1)
    const ranges = changes.map(({ atMs }) => ({
      fromMs: atMs - 3 * DAY_MS,
      untilMs: atMs + 3 * DAY_MS,
    }))
    const schedules = TIMES.map((calendar) => ({ calendars: [calendar], timezone, dst }))
    const expected = schedules.map((schedule) =>
      ranges.map((range) => wallFires(schedule, { ...range, limit: 1_000 })),
    )
    const fired = await Promise.all(schedules.map((schedule) => serverFires(schedule, ranges)))
    expect(fired).toEqual(expected)
  })
})

it('a monthly schedule whose only day is a change’s keeps the other months', async () => {
  const change = clockChanges('Europe/Berlin', Date.UTC(YEAR, 8, 1), Date.UTC(YEAR + 1, 0, 1))[0]
  const dayOfMonth = new Date(change?.atMs ?? 0).getUTCDate()
  const calendar = { hour: 2, minute: 30, dayOfMonth }
  const schedule = { calendars: [calendar], timezone: 'Europe/Berlin', dst: 'last' } as const
  const range = { fromMs: Date.UTC(YEAR, 0, 1), untilMs: Date.UTC(YEAR + 1, 0, 1) }
  const fires = wallFires(schedule, { ...range, limit: 20 })
  expect(fires.length).toBeGreaterThanOrEqual(7)
  expect(await serverFires(schedule, [range])).toEqual([fires])
})

it('a zone without changes has its calendars alone', () => {
  const schedule = { calendars: [{ hour: 2 }], timezone: 'UTC', dst: 'shift' } as const
  expect(wallSpec(schedule, YEAR)).toMatchObject({ calendars: [{}], intervals: [] })
})

it('every minute around a change is more than a spec should hold, every ten minutes is not', () => {
  const minutes = { hour: { start: 0, end: 23 }, minute: { start: 0, end: 59 } }
  const often = { calendars: [minutes], timezone: 'America/New_York', dst: 'first' } as const
  expect(() => wallSpec(often, YEAR)).toThrow(DstRuleError)
  const tens = [0, 10, 20, 30, 40, 50].map((minute) => ({ ...minutes, minute }))
  expect(wallSpec({ ...often, calendars: tens }, YEAR).intervals.length).toBeGreaterThan(100)
})
