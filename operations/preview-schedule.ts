/** Previews the schedule of a job, or one that somebody thinks of. Reads no server. */
import { previewLines, type PreviewLine } from '../domain/schedule-preview.ts'
import { fireSpecOf, TaskTimingError } from '../domain/task.ts'
import { timingOf, type TaskWhen } from '../domain/task-when.ts'
import type { FireSpec } from '../domain/expected-fires.ts'
import type { Spread } from '../domain/spread.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyJob } from '../jobs/registry.ts'

/** Which schedule, from when on. */
export type PreviewRequest = {
  /** A job of the registry; its intervals are those of business time. */
  readonly job?: AnyJob | undefined
  /** Or a schedule in words. */
  readonly when: TaskWhen
  readonly after: Instant
  readonly count: number
}

/** The next times of a schedule. */
export type SchedulePreview = {
  readonly timezone: string
  readonly dst: string | null
  /** How much later than the times that the job names, and within which window. */
  readonly spread: Spread | null
  readonly lines: readonly PreviewLine[]
}

/** Throws TaskTimingError when no single schedule is meant, or it is wrong. */
export function previewSchedule(request: PreviewRequest): SchedulePreview {
  const { after, count } = request
  const { spec, timezone, dst, spread } = meant(request)
  return { timezone, dst, spread, lines: previewLines(spec, { after, count, timezone }) }
}

type Meant = {
  readonly spec: FireSpec
  readonly timezone: string
  readonly dst: string | null
  readonly spread: Spread | null
}

function meant({ job, when }: PreviewRequest): Meant {
  if (job === undefined) {
    const timing = timingOf(when)
    const wall = timing.kind === 'wall' ? timing : { timezone: 'UTC', dst: null }
    return { spec: fireSpecOf(timing), timezone: wall.timezone, dst: wall.dst, spread: null }
  }
  if (Object.values(when).some((value) => value !== undefined)) {
    throw new TaskTimingError('a job has its own schedule: name it, or a schedule, not both')
  }
  const { schedule } = job
  if (schedule === undefined) throw new TaskTimingError(`${job.name} runs only on demand`)
  const spread = schedule.spread ?? null
  if (schedule.kind === 'interval') {
    const { everyMs } = schedule
    const offsetMs = spread?.offsetMs ?? 0
    return { spec: { everyMs, offsetMs, wall: null }, timezone: 'UTC', dst: null, spread }
  }
  const { calendars, timezone, dst = 'shift' } = schedule
  return { spec: { everyMs: null, wall: { calendars, timezone, dst } }, timezone, dst, spread }
}
