/** Log files of a folder: rotation by name, compression beside, and never a file that is being written. */
import { createReadStream, createWriteStream } from 'node:fs'
import { open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

import {
  DRAFT_STALE_MS,
  HELD_LOG,
  OWN_LOG,
  ROTATED_SETTLES_MS,
  rotatedName,
  rotatedNameOf,
  type RotatedFile,
} from '../../domain/log-rotation.ts'
import type { LogFiles } from '../../domain/ports/log-files.ts'
import { instantFromMs } from '../../domain/time.ts'
import { copyAndEmpty, COPY_DRAFT } from './held-log.ts'
import { orNull } from './whole-files.ts'

const DRAFT = '.gz.draft'

/** Which logs, and since when a rotated one is left alone. */
export type LogFilesOptions = {
  /** Default 5,000 ms. */
  readonly settlesMs?: number
  /**
   * Whether the folder is that of a home, where `npm start` writes servers' logs. Default false: in any
   * other folder a `postgres.log` is somebody else's.
   */
  readonly isHome?: boolean
}

/** The logs of a folder; one that is not there has none. */
export function createLogFiles(
  folder: string,
  { settlesMs = ROTATED_SETTLES_MS, isHome = false }: LogFilesOptions = {},
): LogFiles {
  const isOurs = (log: string) => OWN_LOG.test(log) || (isHome && HELD_LOG.test(log))
  const rotatedLogOf = (name: string) => {
    const rotated = rotatedNameOf(name)
    return rotated !== null && isOurs(rotated.log) ? rotated : null
  }
  return {
    async rotate(leastBytes) {
      let amount = { files: 0, bytes: 0 }
      for (const name of await namesIn(folder)) {
        if (!isOurs(name)) continue
        const found = await orNull(stat(join(folder, name)))
        if (found === null || !found.isFile() || found.size < leastBytes) continue
        const target = join(folder, rotatedName(name, instantFromMs(Date.now())))
        const bytes = OWN_LOG.test(name)
          ? await orNull(rename(join(folder, name), target).then(() => found.size))
          : await orNull(copyAndEmpty(join(folder, name), target))
        if (bytes === null) continue
        amount = { files: amount.files + 1, bytes: amount.bytes + bytes }
      }
      return amount
    },
    async listRotated() {
      const files: RotatedFile[] = []
      for (const name of await namesIn(folder)) {
        if (isDraft(name)) await removeStale(join(folder, name))
        if (rotatedLogOf(name) === null) continue
        const found = await orNull(stat(join(folder, name)))
        if (found === null || !found.isFile()) continue
        const changedAt = instantFromMs(Math.floor(found.mtimeMs))
        files.push({ name, bytes: found.size, changedAt })
      }
      return files
    },
    compress: async (name) =>
      rotatedLogOf(name)?.isCompressed === false ? compress(folder, name, settlesMs) : null,
    remove: async (name) =>
      rotatedLogOf(name) !== null &&
      (await orNull(unlink(join(folder, name)).then(() => true))) === true,
  }
}

/**
 * The compressed file takes the place of the other only when it is whole and on the disk; what a killed
 * process left behind is done again.
 */
async function compress(
  folder: string,
  name: string,
  settlesMs: number,
): Promise<{ before: number; after: number } | null> {
  const [path, target] = [join(folder, name), join(folder, `${name}.gz`)]
  const draft = `${path}${DRAFT}`
  const before = await orNull(stat(path))
  // A rename changes the time of the node, not that of its content. It has parts of milliseconds, now has not.
  if (before === null || Date.now() - Math.floor(before.ctimeMs) < settlesMs) return null
  await pipeline(createReadStream(path), createGzip(), createWriteStream(draft, { mode: 0o600 }))
  await flush(draft)
  const after = await stat(path)
  // Somebody wrote on after all: the next run takes it whole.
  if (after.size !== before.size) {
    await unlink(draft)
    return null
  }
  await utimes(draft, before.atime, before.mtime)
  const { size } = await stat(draft)
  await rename(draft, target)
  await unlink(path)
  return { before: before.size, after: size }
}

async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.sync()
}

function isDraft(name: string): boolean {
  return name.endsWith(DRAFT) || name.endsWith(COPY_DRAFT)
}

async function removeStale(path: string): Promise<void> {
  const found = await orNull(stat(path))
  if (found !== null && Date.now() - found.mtimeMs > DRAFT_STALE_MS) await orNull(unlink(path))
}

async function namesIn(folder: string): Promise<string[]> {
  return ((await orNull(readdir(folder))) ?? []).toSorted()
}
