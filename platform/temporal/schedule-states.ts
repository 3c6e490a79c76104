/** Reads what the server says of its schedules. */
import type { Client } from '@temporalio/client'

import type { ScheduleState, ScheduleStates } from '../../domain/ports/schedule-states.ts'
import { instantFromMs } from '../../domain/time.ts'
import { describeSchedule } from './schedules-plan.ts'

/** A call that takes longer is a server that does not answer. */
const CALL_DEADLINE_MS = 4_000

/** States as this client's namespace has them. */
export function createScheduleStates(client: Client): ScheduleStates {
  return {
    read: (scheduleIds) =>
      client.withDeadline(Date.now() + CALL_DEADLINE_MS, async () => {
        const states = await Promise.all(scheduleIds.map((id) => readState(client, id)))
        return states.filter((state) => state !== null)
      }),
  }
}

async function readState(client: Client, scheduleId: string): Promise<ScheduleState | null> {
  const description = await describeSchedule(client, scheduleId)
  if (description === undefined) return null
  const { state, info } = description
  const next = info.nextActionTimes[0]
  return {
    scheduleId,
    isPaused: state.paused,
    note: state.note === undefined || state.note === '' ? null : state.note,
    // The server goes on telling next times of a paused schedule.
    nextAt: state.paused || next === undefined ? null : instantFromMs(next.getTime()),
  }
}
