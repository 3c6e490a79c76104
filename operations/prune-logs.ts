/** Keeps log files small: rotates large ones, compresses rotated ones, removes old ones. */
import {
  BYTES_PER_MB,
  KEEP_FILES,
  LOGS_KEEP_FILES,
  LOGS_ROTATE_MB,
  outdatedLogs,
  REOPEN_WITHIN_MS,
  ROTATE_MB,
  ROTATED_SETTLES_MS,
  rotatedNameOf,
} from '../domain/log-rotation.ts'
import type { LogAmount, LogFiles } from '../domain/ports/log-files.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { RETENTION_DAYS, type SettingStore } from '../domain/ports/setting-store.ts'
import { keptDays } from '../domain/retention.ts'

/** What pruning works over. */
export type PruneLogsDeps = {
  readonly logFiles: LogFiles
  readonly settingStore: Pick<SettingStore, 'read'>
  /** Files are of the wall's time. */
  readonly wallClock: Clock
  /** Until what was rotated is written by nobody, wall milliseconds. Default 5,000. */
  readonly settlesMs?: number
}

/** What was rotated, and how long nobody may touch it; null when nothing was. */
export type RotatedLogs = LogAmount & { readonly settlesInMs: number | null }

/** What was compressed. */
export type CompressedLogs = {
  readonly files: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** Rotates every log that has come to its size. */
export async function rotateLogs({
  logFiles,
  settingStore,
  settlesMs = ROTATED_SETTLES_MS,
}: PruneLogsDeps): Promise<RotatedLogs> {
  const mb = wholeOr(await settingStore.read(LOGS_ROTATE_MB), ROTATE_MB)
  const rotated = await logFiles.rotate(mb * BYTES_PER_MB)
  // A writer may go on for as long as it does not look; only then is nothing written any more.
  return { ...rotated, settlesInMs: rotated.files === 0 ? null : settlesMs + 2 * REOPEN_WITHIN_MS }
}

/** Compresses what is rotated and settled, file by file. */
export async function compressLogs(
  { logFiles }: Pick<PruneLogsDeps, 'logFiles'>,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (files: number) => void } = {},
): Promise<CompressedLogs> {
  let sum = { files: 0, bytesBefore: 0, bytesAfter: 0 }
  for (const { name } of await logFiles.listRotated()) {
    options.signal?.throwIfAborted()
    if (rotatedNameOf(name)?.isCompressed !== false) continue
    const done = await logFiles.compress(name)
    if (done === null) continue
    sum = {
      files: sum.files + 1,
      bytesBefore: sum.bytesBefore + done.before,
      bytesAfter: sum.bytesAfter + done.after,
    }
    options.onProgress?.(sum.files)
  }
  return sum
}

/** Removes rotated files beyond the number and the age that are kept. */
export async function removeLogs({
  logFiles,
  settingStore,
  wallClock,
}: PruneLogsDeps): Promise<LogAmount> {
  const keep = {
    files: wholeOr(await settingStore.read(LOGS_KEEP_FILES), KEEP_FILES),
    days: keptDays('logs', await settingStore.read(RETENTION_DAYS), undefined),
    now: await wallClock.now(),
  }
  let amount = { files: 0, bytes: 0 }
  for (const { name, bytes } of outdatedLogs(await logFiles.listRotated(), keep)) {
    if (!(await logFiles.remove(name))) continue
    amount = { files: amount.files + 1, bytes: amount.bytes + bytes }
  }
  return amount
}

type Range = { readonly least: number; readonly greatest: number; readonly fallback: number }

function wholeOr(value: unknown, { least, greatest, fallback }: Range): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) return fallback
  return Math.min(greatest, Math.max(least, value))
}
