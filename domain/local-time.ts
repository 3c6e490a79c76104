/** An instant as people at a place read it on the wall. For showing; nothing decides by it. */
import { toMs, type Instant } from './time.ts'

/** One moment in UTC and on the wall of a zone. */
export type LocalTime = {
  readonly utc: Instant
  /** `2013-03-09T12:00`; with seconds only where they are not zero. */
  readonly local: string
  /** IANA. */
  readonly zone: string
  /** What the wall was away from UTC at that moment: `-05:00`. */
  readonly utcOffset: string
  /** `Saturday 9 March 2013, 12:00 (America/New_York, UTC-05:00; 17:00 UTC)`. */
  readonly text: string
}

// Seconds are cut, never rounded, as minutes of delay are.
const FIELDS = {
  calendar: 'gregory',
  numberingSystem: 'latn',
  hourCycle: 'h23',
  weekday: 'long',
  year: 'numeric',
  month: 'long',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'longOffset',
} as const

/** The moment as read in the zone. Throws RangeError on an unknown zone. */
export function localTime(instant: Instant, zone: string): LocalTime {
  const wall = wallOf(instant, zone)
  const utc = wallOf(instant, 'UTC')
  const utcTime = wall.date === utc.date ? utc.time : `${utc.time} on ${utc.day}`
  return {
    utc: instant,
    local: `${wall.date}T${wall.time}`,
    zone,
    utcOffset: wall.offset,
    text: `${wall.day}, ${wall.time} (${zone}, UTC${wall.offset}; ${utcTime} UTC)`,
  }
}

type Wall = { date: string; time: string; day: string; offset: string }

function wallOf(instant: Instant, zone: string): Wall {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...FIELDS })
  const part: Record<string, string> = {}
  for (const { type, value } of format.formatToParts(toMs(instant))) part[type] = value
  const { weekday = '', year = '', month = '', day = '', hour = '', minute = '' } = part
  const { second = '00', timeZoneName = 'GMT' } = part
  const offset = timeZoneName === 'GMT' ? '+00:00' : timeZoneName.slice('GMT'.length)
  const monthNumber = String(MONTHS.indexOf(month) + 1).padStart(2, '0')
  return {
    date: `${year.padStart(4, '0')}-${monthNumber}-${day.padStart(2, '0')}`,
    time: `${hour}:${minute}${second === '00' ? '' : `:${second}`}`,
    day: `${weekday} ${day} ${month} ${year}`,
    offset,
  }
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
