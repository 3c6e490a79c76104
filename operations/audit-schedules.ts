/** Who made the server's schedules what the registry says, and what that changed. */
import type { AuditLog } from '../domain/ports/audit-log.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { SchedulePlanEntry } from '../platform/temporal/schedules-plan.ts'

/** What the record is written with. `actor`: who applies. */
export type AuditSchedulesDeps = {
  readonly auditLog: Pick<AuditLog, 'record'>
  readonly clock: Clock
  readonly actor: string
}

/** Writes down one change of a schedule; to be called before it is made. */
export async function auditSchedule(
  { auditLog, clock, actor }: AuditSchedulesDeps,
  { scheduleId, action, differences, changed }: SchedulePlanEntry,
): Promise<void> {
  await auditLog.record({
    at: await clock.now(),
    actor,
    action: `schedule.${ACTIONS[action]}`,
    subject: `schedule:${scheduleId}`,
    details: { was: action, differences, changed },
  })
}

/** Drift is undone by an update. */
const ACTIONS = {
  create: 'created',
  update: 'updated',
  drift: 'reset',
  delete: 'deleted',
  unchanged: 'unchanged',
} as const
