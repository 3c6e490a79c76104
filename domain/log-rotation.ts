/** When log files are rotated, how rotated ones are named, and which of them go. Pure. */
import { DAY_MS, MINUTE_MS, SECOND_MS, toMs, type Instant } from './time.ts'

/** Setting: size from which on a log is rotated, 1,000,000 bytes. */
export const LOGS_ROTATE_MB = 'logs.rotateMb'
/** Setting: rotated files of a log that are kept. */
export const LOGS_KEEP_FILES = 'logs.keepFiles'

/** Its bounds and its default. */
export const ROTATE_MB = { least: 1, greatest: 10_000, fallback: 100 } as const
/** Its bounds and its default. */
export const KEEP_FILES = { least: 1, greatest: 1_000, fallback: 10 } as const

/** Bytes of the setting's unit. */
export const BYTES_PER_MB = 1_000_000

/** A writer looks this often, at a line that it is about to write, whether its file was rotated. */
export const REOPEN_WITHIN_MS: number = SECOND_MS

/** A file that was rotated so long ago is written by nobody any more, also where a process hung. */
export const ROTATED_SETTLES_MS: number = 5 * SECOND_MS

/** An old draft is left over from a process that was killed. */
export const DRAFT_STALE_MS: number = 30 * MINUTE_MS

/** `worker.log`, `api.log`, `worker-2.log`: what writers that look after rotation write. */
export const OWN_LOG: RegExp = /^(worker|api)[a-z0-9-]*\.log$/

/**
 * What `npm start` writes for servers and parts that hold their file open: embedded servers, local
 * providers, what worker and API say beside their logs. They append, so that the file may be emptied.
 */
export const HELD_LOG: RegExp =
  /^(?:temporal|postgres|flights|payments|mail|(?:worker|api)\.out)\.log$/

const ROTATED = /^(.+\.log)\.(\d{1,17})(\.gz)?$/

/** A rotated file, as its name says. */
export type RotatedName = {
  readonly log: string
  /** Digits that sort as the moments of rotation do; `1` for one that an earlier version left. */
  readonly stamp: string
  readonly isCompressed: boolean
}

/** What a name of a rotated file says; null for all others. */
export function rotatedNameOf(name: string): RotatedName | null {
  const match = ROTATED.exec(name)
  if (match?.[1] === undefined || match[2] === undefined) return null
  if (!OWN_LOG.test(match[1]) && !HELD_LOG.test(match[1])) return null
  return { log: match[1], stamp: match[2].padStart(17, '0'), isCompressed: match[3] !== undefined }
}

/** The name that a log is rotated to: the moment in wall time, to the millisecond, as digits. */
export function rotatedName(log: string, at: Instant): string {
  return `${log}.${at.replaceAll(/\D/g, '')}`
}

/** A rotated file with what is known of it. */
export type RotatedFile = {
  readonly name: string
  readonly bytes: number
  /** Of its last line. */
  readonly changedAt: Instant
}

/** Which rotated files go: all but the newest `keepFiles` of each log, and those of before. */
export function outdatedLogs(
  files: readonly RotatedFile[],
  keep: { readonly files: number; readonly days: number; readonly now: Instant },
): RotatedFile[] {
  const before = toMs(keep.now) - keep.days * DAY_MS
  const named = files.flatMap((file) => {
    const name = rotatedNameOf(file.name)
    return name === null ? [] : [{ file, ...name }]
  })
  return [...Map.groupBy(named, ({ log }) => log).values()].flatMap((ofLog) =>
    ofLog
      .toSorted((a, b) => (a.stamp > b.stamp ? -1 : 1))
      .filter(({ file }, i) => i >= keep.files || toMs(file.changedAt) < before)
      .map(({ file }) => file),
  )
}
