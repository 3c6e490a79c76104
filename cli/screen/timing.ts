/** When a task or a job runs, in a few words. Pure. */
import type { Spread } from '../../domain/spread.ts'
import type { TaskTiming } from '../../domain/task.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/time.ts'
import type { CalendarNumber, WallCalendar } from '../../domain/wall-schedule.ts'

/** `once`, `every 15 minutes`, `30 6 * * MON-FRI Europe/Berlin, shift`. */
export function timingText(timing: TaskTiming): string {
  switch (timing.kind) {
    case 'once':
      return 'once'
    case 'interval':
      return `every ${durationText(timing.everyMs)}`
    case 'wall': {
      const times = timing.cron ?? timing.calendars.map(calendarText).join('; ')
      return `${times} ${timing.timezone}, ${timing.dst}`
    }
  }
}

/** `spread over 10 minutes, 433 seconds later`. */
export function spreadText({ windowMs, offsetMs }: Spread): string {
  return `spread over ${durationText(windowMs)}, ${durationText(offsetMs)} later`
}

const UNITS = [
  [DAY_MS, 'days'],
  [HOUR_MS, 'hours'],
  [MINUTE_MS, 'minutes'],
  [SECOND_MS, 'seconds'],
] as const

function durationText(ms: number): string {
  const [unitMs, unit] = UNITS.find(([size]) => ms >= size && ms % size === 0) ?? [1, 'ms']
  return `${ms / unitMs} ${unit}`
}

/** In the order of cron. */
function calendarText({ minute = 0, hour, dayOfMonth, month, dayOfWeek }: WallCalendar): string {
  return [minute, hour, dayOfMonth, month, dayOfWeek].map(numberText).join(' ')
}

function numberText(value: CalendarNumber | undefined): string {
  if (value === undefined) return '*'
  return typeof value === 'number' ? String(value) : `${value.start}-${value.end}`
}
